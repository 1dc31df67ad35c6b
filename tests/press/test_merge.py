"""A sweep's records in one file, one table and one figure."""

from __future__ import annotations

import csv

import pytest
from PIL import Image

from arae_book.chapters import find_chapter
from arae_book.grid import grid
from arae_book.merge import curves, merge
from arae_book.runs import RunFailed
from arae_core.results import Record


def record(point=None, seed=0, metrics=None, **parameters):
    metrics = metrics or {"psnr/standard/all": 20.0 + seed, "psnr/robust/all": 21.0, "accuracy/robust/clean": 0.5}
    summaries = {name: {"value": value, "std": 1.0, "n": 10} for name, value in metrics.items()}
    return Record("first", "default", dict(name="photos", digest="d", notes=""), seed, {"seed": seed, **parameters}, 1.0,
                  "cpu", {}, None, None, "", summaries, point=point or {})


@pytest.fixture
def merged(small_book, trace, tmp_path):
    """`merged(lists, of)`: sweep.md and the rows of sweep.csv; `of` makes a point's records from its values."""

    def merged(lists, of, failed=()):
        points = grid(find_chapter(small_book, "first"), "default", lists, tmp_path)
        for point in points:
            for one in of(point.values):
                one.write(point.folder / "records")
        path = merge(points[0].chapter, "default", points, dict(failed), tmp_path)
        assert path == tmp_path / "sweep.md"
        return path.read_text(), list(csv.DictReader((tmp_path / "sweep.csv").open()))

    return merged


def shown(picture):
    """Panel titles, the lines' names, and where the first panel's points lie."""
    first = picture.axes[0]
    titles = [ax.get_title() for ax in picture.axes if ax.get_visible()]
    return titles, [line.get_label() for line in first.lines], list(first.lines[0].get_xdata())


def test_several_records_of_one_run_add_a_row_each(merged):
    def of(values):
        return [record(**values, point={"radius": radius}) for radius in (0.1, 0.2)]

    text, rows = merged([("layers", "[conv1],[conv1, conv2]")], of)
    assert list(rows[0]) == ["layers", "radius", "measure", "value", "std", "n", "seed"] and len(rows) == 2 * 2 * 3
    assert rows[-1]["layers"] == '["conv1", "conv2"]' and rows[-1]["radius"] == "0.2"
    assert "2 of 2 points: `layers = [conv1] | [conv1, conv2]`." in text
    assert sum(line.startswith("| conv1, conv2 | 0.") for line in text.splitlines()) == 2


def test_a_sweep_of_seeds_alone_shows_their_mean_and_each(merged, tmp_path):
    text, rows = merged([("seed", "0,1,2"), ("layers", "[conv5]")], lambda values: [record(**values)])
    assert list(rows[0])[0] == "layers" and {row["seed"] for row in rows} == {"0", "1", "2"}
    assert "| conv5 | 21.00 ± 1.00" in text and "| 2 | 22.00 ± 1.00 |" in text
    assert Image.open(tmp_path / "sweep.png").width > 500


def test_what_failed_is_named_and_left_out(merged):
    text, rows = merged([("eps", "1,2")], lambda values: [record(eps=values["eps"])], {"eps=2": "it died"})
    assert "1 of 2 points" in text and "- `eps=2`: it died" in text and {row["eps"] for row in rows} == {"1.0"}


def test_without_a_record_there_is_no_figure(merged, tmp_path):
    (tmp_path / "sweep.png").write_text("of an earlier sweep")
    text, rows = merged([("eps", "1,2")], lambda values: [])
    assert "No point recorded a measure." in text and not rows and not (tmp_path / "sweep.png").exists()


def test_records_that_differ_in_more_than_the_settings_do_not_merge(merged):
    with pytest.raises(RunFailed, match="does not merge: .* seed 0"):
        merged([("eps", "1,2")], lambda values: [record(eps=values["eps"], other=other) for other in (1, 2)])


def test_curves_run_along_the_first_number(merged):
    records = [record(seed=seed, name=name, eps=eps) for name in ("a", "b") for eps in (2, 0.5) for seed in (0, 2)]
    picture, left_out = curves(records, ["name", "eps"])
    titles, lines, at = shown(picture)
    assert titles == ["PSNR (dB)", "accuracy (%)"] and at == [0.5, 2] and picture.axes[0].get_xlabel() == "eps"
    assert lines == [f"{line}, name = {name}" for name in "ab"
                     for line in ("standard, all", "robust, all", "robust, clean")]
    assert list(picture.axes[0].lines[0].get_ydata()) == [21, 21]  # the mean over seeds 0 and 2
    assert list(picture.axes[1].lines[2].get_ydata()) == [50, 50] and left_out == ""


def test_without_a_number_the_places_are_names():
    records = [record(layers=[layer], fast=fast) for layer in ("conv1", "conv5") for fast in (True, False)]
    picture, _ = curves(records, ["layers", "fast"])
    assert [tick.get_text() for tick in picture.axes[0].get_xticklabels()] == [
        "[conv1], True", "[conv1], False", "[conv5], True", "[conv5], False"]


def test_a_figure_stays_readable():
    metrics = {f"metric{m}/encoder{e}/all": 1.0 for m in range(8) for e in range(10)}
    picture, left_out = curves([record(eps=eps, metrics=metrics) for eps in (1, 2)], ["eps"])
    titles, lines, _ = shown(picture)
    assert len(titles) == 6 and len(lines) == 8
    assert left_out == " The figure has room for 6 of 8 metrics and 8 of 10 lines."


def test_a_gap_where_a_point_is_missing():
    picture, _ = curves([record(name="a", eps=1), record(name="a", eps=2), record(name="b", eps=2)], ["eps", "name"])
    b = next(line for line in picture.axes[0].lines if line.get_label() == "standard, all, name = b")
    assert list(b.get_ydata())[1:] == [20.0] and b.get_ydata()[0] != b.get_ydata()[0]
