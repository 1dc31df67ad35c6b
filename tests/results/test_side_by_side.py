"""Two sides of measures from several chapters: values and differences are the records', rows without one stay."""

import pytest

from arae_core.results import ClaimError, load_sides, side_by_side

PARTS = [{"part": "Bought", "rows": [
    {"chapter": "inversion", "what": "PSNR (dB)", "left": "psnr/standard/a", "right": "psnr/robust/a"},
    {"chapter": "denoising", "what": "SSIM", "left": "ssim/standard/a", "right": "ssim/robust/a"},
]}]


def lines(parts, records):
    return side_by_side(parts, records).markdown.splitlines()


def test_one_seed(make_record):
    found = lines(PARTS, [make_record({"psnr/standard/a": (18.0, 2.0), "psnr/robust/a": (20.0, 2.0)})])
    assert found[0].startswith("| | standard | robust | robust − standard")
    assert found[2].startswith("| **Bought**")
    assert found[3].startswith("| PSNR (dB) ↑ | 18.00 | 20.00 | +2.00 [+") and found[3].endswith("| 1 seed |")
    assert found[4] == "| SSIM ↑ | – | – | – | not run |"


def test_differences_are_taken_within_each_seed(make_record):
    runs = [make_record({"psnr/standard/a": 10.0 * s, "psnr/robust/a": 10.0 * s + 1}, seed=s) for s in (1, 2, 3)]
    row = lines(PARTS, runs)[3]
    assert "| 20.00 | 21.00 | +1.00 [+1.00, +1.00] | 3 seeds |" in row


def test_other_chapters_do_not_count(make_record):
    record = make_record({"ssim/standard/a": 0.1, "ssim/robust/a": 0.2})
    assert record.chapter == "inversion"
    assert lines(PARTS, [record])[4].endswith("| not run |")


@pytest.mark.parametrize("text", [
    "- {part: A, rows: [{chapter: a, what: b, left: c}]}",
    "- {part: A, rows: [{chapter: a, what: b, left: c, right: d, more: e}]}",
    "- {part: A, rows: [{chapter: a, what: b, left: two words, right: d}]}",
    "- {part: A}",
    "just a word",
])
def test_a_file_that_is_not_whole(tmp_path, text):
    path = tmp_path / "sides.yaml"
    path.write_text(text)
    with pytest.raises(ClaimError, match="sides.yaml"):
        load_sides(path)
