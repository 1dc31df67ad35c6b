import pytest

from arae_core.results import RecordError, grid_table, method_table


def cells(table, row):
    (line,) = [line for line in table.markdown.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_a_setting_with_the_spread_over_its_seeds(make_record):
    runs = [make_record({"psnr/robust/a": (20.0 + 2 * seed + eps, 3.0)}, seed=seed, eps=eps)
            for seed in (0, 1) for eps in (10.0, 0.5)]
    table = grid_table(runs, ["eps"])
    assert cells(table, "0.5") == ["0.5", "21.50 ± 1.41"] and cells(table, "10") == ["10", "31.00 ± 1.41"]
    body = [line for line in table.markdown.splitlines() if line.startswith("| ")]
    assert body[0] == "| eps | PSNR (dB) ↑, robust, a |" and body[2].startswith("| 0.5")  # by number, not by text


def test_the_seed_can_be_a_key_itself(make_record):
    runs = [make_record({"psnr/robust/a": (20.0 + seed, 3.0)}, seed=seed) for seed in (1, 0)]
    table = grid_table(runs, ["seed"], ["psnr/robust/a"])
    assert cells(table, "0") == ["0", "20.00 ± 3.00"] and cells(table, "1") == ["1", "21.00 ± 3.00"]
    assert table.markdown.endswith("over 100 images.")


def test_points_of_one_run_are_rows(make_record):
    runs = []
    for eps in (0.0, 1.0):
        record = make_record({"psnr/robust/a": 20.0 + eps})
        record.point = {"eps": eps}
        runs.append(record)
    assert cells(grid_table(runs, ["eps"]), "1") == ["1", "21.00"]


def test_the_run_as_a_whole_has_a_row_beside_its_points(make_record):
    whole = make_record({"trend/robust/psnr": 0.9}, width=1.0)
    point = make_record({"psnr/robust/a": 20.0}, width=1.0)
    point.point = {"radius": 0.5}
    table = grid_table([point, whole], ["width", "radius"])
    assert "| 1 | – | 0.90 | – |" in table.markdown and "| 1 | 0.5 | – | 20.00 |" in table.markdown


def test_what_cannot_be_one_row_is_refused(make_record):
    runs = [make_record({"psnr/robust/a": 20.0}, eps=eps) for eps in (1.0, 2.0)]
    with pytest.raises(RecordError, match="two records"):
        grid_table(runs, ["profile"])
    with pytest.raises(RecordError, match="a setting colour"):
        grid_table(runs, ["colour"])
    with pytest.raises(RecordError, match="no records"):
        grid_table([], ["eps"])


def test_a_measure_that_some_points_lack_is_a_dash(make_record):
    first = make_record({"psnr/robust/a": 20.0}, eps=1.0)
    second = make_record({"ssim/robust/a": 0.5}, eps=2.0)
    assert cells(grid_table([first, second], ["eps"]), "1")[2] == "–"


def test_methods_as_rows_and_why_a_metric_is_missing(make_record):
    record = make_record({"psnr/ours": (20.0, 1.0), "psnr/ri": (15.0, 1.0), "gflop/ours": 0.25})
    record.leave_out("lpips", "no trunk")
    table = method_table(record, ["psnr", "lpips", "gflop"])
    assert cells(table, "ours") == ["ours", "20.00 ± 1.00", "–\\*", "0.250"]
    assert cells(table, "ri")[1:] == ["15.00 ± 1.00", "–\\*", "–"]
    assert "\\* LPIPS: no trunk." in table.markdown
