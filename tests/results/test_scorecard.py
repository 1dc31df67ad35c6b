import pytest

from arae_core import results
from arae_core.results.scorecard import side_by_side

CLAIMS = [results.Claim("p", "A, Table 1", "Robust is better.", "psnr/robust/* > psnr/standard/*", chapter="inversion",
          conditions=("a", "b"), investigation="inversion#layer-by-layer"),
    results.Claim("l", "A, Table 1", "And closer.", "lpips/robust/* < lpips/standard/*", chapter="inversion"),
    results.Claim("t", "A, Table 9", "And better than TNRD.", "psnr/robust/a > psnr/tnrd/a", chapter="denoising", reason="no TNRD"),
    results.Claim("o", "A, Table A3", "Elsewhere.", "psnr/robust/a > psnr/standard/a", chapter="inversion", profiles=("resnet",)),
]
LINKS = {"inversion": "robust_features/02_inversion.ipynb"}


def runs(make_record, gain, profile="cifar10", **kwargs):
    return [make_record({"psnr/robust/a": (18.0 + gain + i / 10, 1.0), "psnr/standard/a": (18.0, 1.0)},
                        seed=i, profile=profile, **kwargs) for i in range(3)]


def cells(row):
    return [cell.strip() for cell in row[1:-1].split("|")]


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_a_profiles_section_has_sides_difference_verdict_counts_and_what_a_failure_leads_to(make_record):
    records = runs(make_record, 1.9, notes="JPEG copies")
    text = results.scorecard_markdown(CLAIMS, {"default": [], "cifar10": records}, LINKS)
    assert "## Profile `default`" not in text
    part = section(text, "Profile `cifar10`")
    assert "Data: photos (JPEG copies)." in part
    head, _, *rows = [line for line in part.splitlines() if line.startswith("|")]
    assert cells(head) == ["Source", "Claim", "Left", "", "Right", "Left − right", "Verdict", "Chapter"]
    (row,) = rows  # b was not run
    assert cells(row) == ["A, Table 1", "Robust is better.", "`psnr/robust/a` 20.00 [19.75,\u00a020.25]", "\\>",
        "`psnr/standard/a` 18.00 [18.00,\u00a018.00]", "+2.00 [+1.75,\u00a0+2.25], 3\u00a0seeds",
        "✔\u00a0**holds**", "[inversion](robust_features/02_inversion.ipynb)"]
    rows = {cells(row)[0]: cells(row)[1:] for row in section(text, "In numbers").splitlines() if row.startswith("|")}
    assert rows["Profile"] == ["claims", "✔ holds", "✘ fails", "≈ within noise", "• one run", "– not testable"]
    assert rows["`cifar10`"] == ["3", "1", "0", "0", "0", "2"] and rows["`default`"] == ["3", "0", "0", "0", "0", "3"]
    assert "::::{dropdown} inversion: 1 holds, 1 not testable\n" in part
    text = results.scorecard_markdown(CLAIMS, {"cifar10": runs(make_record, -2.1)}, LINKS)
    assert "✘\u00a0**fails** ([why](robust_features/02_inversion.ipynb#layer-by-layer))" in text


def test_what_does_not_count_stands_apart(make_record):
    claims = [CLAIMS[0], results.Claim("v", "A, Table 1", "A variant (ours).", CLAIMS[0].comparison, chapter="inversion",
                               conditions=("a",), kind="ours")]
    text = results.scorecard_markdown(claims, {"cifar10": runs(make_record, 1.9)}, LINKS)
    assert "| `cifar10` | 1 | 1 | 0 | 0 | 0 | 0 |" in text and "1 variants of ours and checks" in text
    assert text.index("Robust is better.") < text.index("which do not count:") < text.index("A variant (ours).")


def test_what_is_no_verdict_says_what_is_known(make_record):
    def verdict(gains):
        records = [make_record({"psnr/robust/a": (18 + gain, 1.0), "psnr/standard/a": (18.0, 1.0)}, seed=i)
                   for i, gain in enumerate(gains)]
        (row,) = [r for r in results.scorecard(CLAIMS[:1], {"default": records}).markdown.splitlines() if "robust/a` " in r]
        return cells(row)[6].replace("\u00a0", " ")

    assert verdict([1.0]) == "• **one run**, as claimed" and verdict([-1.0, -1.1]) == "• **one run**, against it"
    assert verdict([1.0, -1.0, 0.3]).startswith("≈ **within noise** (±2.5")


def test_differences_for_a_picture_point_to_the_claimed_side(make_record):
    closer = results.Claim("c", "A, Table 1", "t", "psnr/standard/a < psnr/robust/a", chapter="inversion")
    rows = results.judged_differences([*CLAIMS, closer], runs(make_record, 1.9), "psnr")
    assert list(rows) == ["Table 1, a", "Table 1, standard − robust"]
    for numbers, (mean, low, high) in rows.values():
        assert numbers == pytest.approx((1.9, 2.0, 2.1)) and mean == pytest.approx(2.0) and low < mean < high


def test_what_the_interval_speaks_of(make_record):
    def over(record):
        (row,) = [r for r in results.scorecard(CLAIMS[:1], {"default": [record]}).markdown.splitlines() if "robust/a` " in r]
        return cells(row)[5].partition("], ")[2] or cells(row)[5]

    one = runs(make_record, 1.9)[0]
    assert over(one) == "1\u00a0seed, 100\u00a0images, paired"
    one.pairs = {}
    assert over(one) == "1\u00a0seed, 100\u00a0images, unpaired"
    one.metrics["psnr/standard/a"]["n"] = 64
    assert over(one) == "1\u00a0seed, 100 and 64\u00a0images, unpaired"
    assert over(make_record({"psnr/robust/a": 2.0, "psnr/standard/a": 1.0})) == "+1.00, 1\u00a0seed"


def test_what_was_not_run_stands_with_its_reason(make_record):
    records = runs(make_record, 1.9)
    records[0].leave_out("lpips", "no trunk")
    profiles = {"default": [], "cifar10": records, "resnet": []}
    part = section(results.scorecard_markdown(CLAIMS, profiles, LINKS), "Not testable here")
    reasons = {}
    for line in part.splitlines():
        if line.endswith(":") and line != ":::":
            reason = line
        elif line.startswith("| A"):
            reasons.setdefault(reason, []).append(cells(line))
    assert reasons == {"The chapter's record there does not hold it:": [
            ["A, Table 1", "Robust is better. `psnr/robust/* > psnr/standard/*` for b", "`cifar10`"]],
        "no trunk:": [["A, Table 1", "And closer. `lpips/robust/* < lpips/standard/*`", "`cifar10`"]],
        "no TNRD:": [["A, Table 9", "And better than TNRD. `psnr/robust/a > psnr/tnrd/a`", "`cifar10`"]],
        "The chapter has no record there yet:": [["A, Table A3", "Elsewhere. `psnr/robust/a > psnr/standard/a`", "`resnet`"]],
    }
    assert part.rstrip(":\n").endswith("Nothing has been run yet at `default`, `resnet`.")


def test_a_chapter_shows_its_own_and_says_the_text_of_several_conditions_once(make_record):
    text = results.scorecard(CLAIMS, {"default": runs(make_record, 1.9, "default")}).markdown
    assert "#" not in text and "](" not in text and ":::" not in text and "**Profile" not in text
    assert "✔\u00a0**holds**" in text and "**Not testable here**" in text
    assert "And closer" in text and "TNRD" not in text  # another chapter's
    record = make_record({f"psnr/{e}/{c}": (20.0, 1.0) for e in ("robust", "standard") for c in "ab"})
    rows = [cells(r) for r in results.scorecard(CLAIMS[:1], {"default": [record]}).markdown.splitlines() if "`psnr" in r]
    assert [row[1] for row in rows] == ["Robust is better.", ""]
    each = results.Claim("e", "A, Table 4", "Ahead.", "psnr/robust/a > psnr/standard/a", each="eps")
    assert "| Ahead. *eps = 1* |" in results.scorecard([each], {"default": runs(make_record, 1.9, eps=1.0)}).markdown
    assert "at each eps" in results.scorecard([each], {"default": []}).markdown


def test_what_the_paper_reported_stands_beside_ours(make_record):
    def card(reported):
        claim = results.Claim("p", "C", "Closer.", "psnr/robust/a > psnr/standard/a", reported=reported)
        return results.scorecard([claim], {"cifar10": runs(make_record, 1.9)}).markdown

    both, left = card(results.Reported((35, 43.5), 0.5, "%")), card(results.Reported((0.71,), 0.005))
    assert "| `psnr/robust/a` 20.00 [19.75,\u00a020.25]; reported 35 ± 0.5 % | \\> " in both
    assert "18.00]; reported 43.5 ± 0.5 % |" in both and "; reported 0.71 ± 0.005 | \\> " in left
    assert left.count("; reported") == 1 and "*Reported*" in left and "eported" not in card(None)


PARTS = [{"part": "Bought", "rows": [
    {"chapter": "inversion", "what": "PSNR (dB)", "left": "psnr/standard/a", "right": "psnr/robust/a"},
    {"chapter": "denoising", "what": "SSIM", "left": "ssim/standard/a", "right": "ssim/robust/a"},
]}]


def lines(parts, records):
    return side_by_side(parts, records).markdown.splitlines()


def test_one_seed_and_differences_within_each_of_several(make_record):
    found = lines(PARTS, [make_record({"psnr/standard/a": (18.0, 2.0), "psnr/robust/a": (20.0, 2.0)})])
    assert found[0].startswith("| | standard | robust | robust − standard")
    assert found[2].startswith("| **Bought**")
    assert found[3].startswith("| PSNR (dB) ↑ | 18.00 | 20.00 | +2.00 [+") and found[3].endswith("| 1 seed |")
    assert found[4] == "| SSIM ↑ | – | – | – | not run |"
    runs = [make_record({"psnr/standard/a": 10.0 * s, "psnr/robust/a": 10.0 * s + 1}, seed=s) for s in (1, 2, 3)]
    row = lines(PARTS, runs)[3]
    assert "| 20.00 | 21.00 | +1.00 [+1.00, +1.00] | 3 seeds |" in row
    elsewhere = make_record({"ssim/standard/a": 0.1, "ssim/robust/a": 0.2}, chapter="inversion")
    assert lines(PARTS, [elsewhere])[4].endswith("| not run |")  # another chapter's


@pytest.mark.parametrize("text", ["- {part: A, rows: [{chapter: a, what: b, left: c}]}",
    "- {part: A, rows: [{chapter: a, what: b, left: c, right: d, more: e}]}",
    "- {part: A, rows: [{chapter: a, what: b, left: two words, right: d}]}", "- {part: A}", "just a word",
])
def test_a_file_that_is_not_whole(tmp_path, text):
    (tmp_path / "sides.yaml").write_text(text)
    pytest.raises(results.ClaimError, results.load_sides, tmp_path / "sides.yaml").match("sides.yaml")
