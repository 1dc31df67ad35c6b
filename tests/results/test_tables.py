import pytest

from arae_core.results import RecordError, Table, grid_table, method_table, table


def test_one_run_shows_the_spread_over_images(make_record):
    record = make_record({"psnr/standard/pixel": (18.0, 2.0, 1200), "psnr/robust/pixel": (20.0, 3.0, 1200),
        "ssim/standard/pixel": (0.4, 0.1, 1200), "ssim/robust/pixel": (0.55, 0.12, 1200),
        "psnr/standard/pixel+feature": (18.25, 2.0, 1200), "psnr/robust/pixel+feature": (20.5, 3.0, 1200),
    }, notes="JPEG copies")
    record.leave_out("lpips", "the trunk x_y is not here")
    assert table(record, ["psnr", "ssim", "lpips"]).markdown == (
        "|  | PSNR (dB) ↑, standard | PSNR (dB) ↑, robust | SSIM ↑, standard | SSIM ↑, robust "
        "| LPIPS ↓, standard | LPIPS ↓, robust |\n" "| :-- | --: | --: | --: | --: | --: | --: |\n"
        "| pixel | 18.00 ± 2.00 | 20.00 ± 3.00 | 0.400 ± 0.100 | 0.550 ± 0.120 | –\\* | –\\* |\n"
        "| pixel+feature | 18.25 ± 2.00 | 20.50 ± 3.00 | – | – | –\\* | –\\* |\n" "\n"
        "Profile default, data photos (JPEG copies); mean ± standard deviation over 1,200 images, seed 0.  \n"
        "\\* LPIPS: the trunk x\\_y is not here.")


def test_several_runs_show_mean_and_spread_over_seeds(make_record):
    runs = [make_record({"psnr/robust/pixel": (v, 9.0)}, seed=i) for i, v in enumerate((19.0, 20.0, 21.0))]
    drawn = table(runs, ["psnr"], encoders=["robust"])
    assert "| pixel | 20.00 ± 1.00 |" in drawn.markdown and "over 3 seeds" in drawn.markdown
    assert drawn._repr_markdown_() == repr(drawn) == drawn.markdown
    del runs[2].metrics["psnr/robust/pixel"]
    assert "| pixel | 19.50 ± 0.71 (2 of 3 seeds) |" in table(runs, ["psnr"], encoders=["robust"]).markdown


def test_accuracy_in_per_cent_without_a_spread_over_images(make_record):
    record = make_record({"accuracy/robust/clean": (0.572, 0.49), "accuracy/robust/pgd": (0.3, 0.4)})
    text = table(record, ["accuracy"], encoders=["robust"], conditions=["pgd"]).markdown
    assert "| pgd | 30.0 |" in text and "clean" not in text


def test_a_table_of_texts():
    made = Table.of(["", "a|b"], [["x_1", "2"], ["y", "–"]], "As found.").markdown
    assert made == "|  | a\\|b |\n| :-- | --: |\n| x\\_1 | 2 |\n| y | – |\n\nAs found."


def test_the_caption_counts_the_images_of_what_is_shown(make_record):
    record = make_record({"psnr/robust/crops": (25.0, 2.0, 400), "psnr/robust/photographs": (20.0, 4.0, 2),
                          "auroc/robust/mean": (0.6, 0.0, 1)})
    for metric, conditions, end in (("psnr", ["photographs"], "; mean ± standard deviation over 2 images, seed 0."),
            ("psnr", None, "; mean ± standard deviation over 2 to 400 images, seed 0."),
            ("auroc", None, ", seed 0."), ("psnr", ["mean"], ", seed 0.")):  # one number of a run: no spread
        shown = table(record, [metric], encoders=["robust"], conditions=conditions).markdown
        assert shown.rpartition("data photos")[2] == end


def cells(table, row):
    (line,) = [line for line in table.markdown.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_a_setting_with_the_spread_over_its_seeds_or_a_row_a_seed(make_record):
    runs = [make_record({"psnr/robust/a": (20.0 + 2 * seed + eps, 3.0)}, seed=seed, eps=eps)
            for seed in (0, 1) for eps in (10.0, 0.5)]
    table = grid_table(runs, ["eps"])
    assert cells(table, "0.5") == ["0.5", "21.50 ± 1.41"] and cells(table, "10") == ["10", "31.00 ± 1.41"]
    body = [line for line in table.markdown.splitlines() if line.startswith("| ")]
    assert body[0] == "| eps | PSNR (dB) ↑, robust, a |" and body[2].startswith("| 0.5")  # by number, not by text
    runs = [make_record({"psnr/robust/a": (20.0 + seed, 3.0)}, seed=seed) for seed in (1, 0)]
    table = grid_table(runs, ["seed"], ["psnr/robust/a"])
    assert cells(table, "0") == ["0", "20.00 ± 3.00"] and cells(table, "1") == ["1", "21.00 ± 3.00"]
    assert table.markdown.endswith("over 100 images.")
    two = [make_record({"psnr/robust/a": 20.0}, eps=1.0),  # a measure that some lack is a dash
           make_record({"ssim/robust/a": 0.5}, eps=2.0)]
    assert cells(grid_table(two, ["eps"]), "1")[2] == "–"


def test_points_of_one_run_are_rows_and_the_run_as_a_whole_has_its_own(make_record):
    runs = [make_record({"psnr/robust/a": 20.0 + eps}) for eps in (0.0, 1.0)]
    for record, eps in zip(runs, (0.0, 1.0)):
        record.point = {"eps": eps}
    assert cells(grid_table(runs, ["eps"]), "1") == ["1", "21.00"]
    whole = make_record({"trend/robust/psnr": 0.9}, width=1.0)
    point = make_record({"psnr/robust/a": 20.0}, width=1.0)
    point.point = {"radius": 0.5}
    table = grid_table([point, whole], ["width", "radius"])
    assert "| 1 | – | 0.90 | – |" in table.markdown and "| 1 | 0.5 | – | 20.00 |" in table.markdown


def test_what_cannot_be_one_row_or_table_is_refused(make_record):
    psnr = {"psnr/robust/a": 20.0}
    runs, mixed = ([make_record(psnr), make_record(psnr, seed=seed, eps=2.0)] for seed in (0, 1))
    for records, key, cause in ((runs, "profile", "two records"), (runs, "colour", "a setting colour"),
                                ([], "eps", "no records")):
        pytest.raises(RecordError, grid_table, records, [key]).match(cause)
    pytest.raises(RecordError, table, mixed, ["psnr"]).match("eps")
    pytest.raises(RecordError, table, [], ["psnr"]).match("no records")


def test_methods_as_rows_and_why_a_metric_is_missing(make_record):
    record = make_record({"psnr/ours": (20.0, 1.0), "psnr/ri": (15.0, 1.0), "gflop/ours": 0.25})
    record.leave_out("lpips", "no trunk")
    table = method_table(record, ["psnr", "lpips", "gflop"])
    assert cells(table, "ours") == ["ours", "20.00 ± 1.00", "–\\*", "0.250"]
    assert cells(table, "ri")[1:] == ["15.00 ± 1.00", "–\\*", "–"]
    assert "\\* LPIPS: no trunk." in table.markdown
