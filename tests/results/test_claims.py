from pathlib import Path

import pytest
import torch
from scipy import stats

from arae_core.results import Claim, ClaimError, RecordError, load_claims, verdicts

HIGHER = Claim("c", "A, Table 1", "robust is better", "psnr/robust/* > psnr/standard/*")
LOWER = Claim("c", "A, Table 1", "robust is closer", "lpips/robust/a < lpips/standard/a")


def pair(make_record, robust, standard, seed=0, metric="psnr", **parameters):
    names = f"{metric}/robust/a", f"{metric}/standard/a"
    return make_record(dict(zip(names, (robust, standard))), seed=seed, **parameters)


def only(claim, records):
    (verdict,) = verdicts(claim, records)
    return verdict


def test_seeds_decide_by_a_paired_interval(make_record):
    gaps = [(20.0, 18.1), (23.0, 21.0), (17.0, 14.9)]  # seeds differ a lot, the differences little
    runs = [pair(make_record, (r, 3.0), (s, 3.0), seed=i) for i, (r, s) in enumerate(gaps)]
    verdict = only(HIGHER, runs)
    side, expected = (stats.ttest_1samp(of, 0).confidence_interval() for of in ([20, 23, 17], [1.9, 2, 2.1]))
    assert verdict.left == pytest.approx((20.0, *side))
    assert (verdict.outcome, verdict.over, verdict.seeds, verdict.condition) == ("holds", "seeds", 3, "a")
    assert (verdict.difference, verdict.low, verdict.high) == pytest.approx((2.0, *expected))


def test_each_outcome_over_seeds(make_record):
    for differences, outcome in (((1.9, 2.0, 2.1), "holds"), ((-1.9, -2.0, -2.1), "fails"),
                                 ((2.0, -1.0, 0.5), "within noise"), ((0.0, 0.0, 0.0), "not testable")):
        runs = [pair(make_record, (20 + d, 1.0), (20.0, 1.0), seed=i) for i, d in enumerate(differences)]
        assert only(HIGHER, runs).outcome == outcome
        differ = Claim("c", "A", "t", "psnr/robust/* != psnr/standard/*")
        assert only(differ, runs).outcome == outcome.replace("fails", "holds")
    for robust, standard, outcome in ((0.3, 0.5, "holds"), (0.5, 0.3, "fails")):  # lower is better, by sign
        runs = [pair(make_record, (robust, 0.1), (standard, 0.1), seed=i, metric="lpips") for i in range(3)]
        assert only(LOWER, runs).outcome == outcome


def test_fewer_than_three_seeds_are_no_verdict(make_record):
    runs = [pair(make_record, (20 + d, 1.0), (18.0, 1.0), seed=i) for i, d in enumerate((-0.01, 0.0, 0.01))]
    found = [(only(HIGHER, runs[:n]).outcome, only(HIGHER, runs[:n]).leans) for n in (1, 2, 3)]
    assert found == [("one run", 1), ("one run", 1), ("holds", 1)]
    assert only(HIGHER, runs).numbers == pytest.approx((1.99, 2.0, 2.01))


def test_one_seed_falls_back_on_images_and_says_so(make_record):
    def unpaired(robust, standard):
        record = pair(make_record, robust, standard)
        record.pairs = {}
        return only(HIGHER, [record])

    verdict = unpaired((20.0, 3.0, 900), (19.0, 4.0, 900))
    half = 1.96 * (3**2 / 900 + 4**2 / 900) ** 0.5
    assert (verdict.outcome, verdict.leans, verdict.over, verdict.seeds) == ("one run", 1, "images", 1)
    assert (verdict.low, verdict.high) == pytest.approx((1 - half, 1 + half), abs=1e-3)
    assert verdict.left[0] == pytest.approx(20) and verdict.right[0] == pytest.approx(19)
    assert unpaired((20.0, 3.0, 9), (19.0, 4.0, 9)).leans == 0
    assert unpaired((19.0, 3.0, 900), (20.0, 4.0, 900)).leans == -1
    unknown = only(HIGHER, [pair(make_record, 20.0, 10.0)])
    assert (unknown.outcome, unknown.leans, unknown.over) == ("one run", 0, "")  # no spread is known


def image_by_image(make_record, images=60):
    """A record of two encoders whose values follow the image, as they do; and the values."""
    draw = torch.Generator().manual_seed(0)
    standard = 20 + 4 * torch.randn(images, generator=draw, dtype=torch.float64)
    robust = standard + 0.4 + 0.5 * torch.randn(images, generator=draw, dtype=torch.float64)
    return make_record({"psnr/standard/a": standard, "psnr/robust/a": robust}), robust, standard


def test_one_seed_is_the_paired_t_test_and_without_its_pairs_welchs_which_is_wider(make_record):
    record, robust, standard = image_by_image(make_record)
    paired = only(HIGHER, [record])
    tests = stats.ttest_1samp(robust.numpy(), 0), stats.ttest_rel(robust.numpy(), standard.numpy())
    side, expected = (test.confidence_interval() for test in tests)
    assert paired.left == pytest.approx((robust.mean().item(), side.low, side.high))
    assert (paired.leans, paired.over, paired.paired, paired.images) == (1, "images", True, (60, 60))
    assert (paired.low, paired.high) == pytest.approx((expected.low, expected.high), rel=1e-4)
    turned = only(Claim("c", "A", "t", "psnr/standard/* < psnr/robust/*"), [record])
    assert (turned.leans, turned.low) == (1, pytest.approx(-paired.high))
    record.pairs = {}
    verdict = only(HIGHER, [record])
    expected = stats.ttest_ind(robust.numpy(), standard.numpy(), equal_var=False).confidence_interval(0.95)
    assert (verdict.leans, verdict.over, verdict.paired) == (0, "images", False)
    assert (verdict.low, verdict.high) == pytest.approx((expected.low, expected.high))
    assert verdict.high - verdict.low > 5 * (paired.high - paired.low)


def test_not_run_and_why(make_record):
    other = make_record({"accuracy/robust/clean": 0.5}, chapter="robust_training")
    other.leave_out("psnr", "no images")
    assert only(HIGHER, []).outcome == only(HIGHER, [other]).outcome == "not testable"
    record = make_record({"psnr/robust/a": 1.0, "trend/robust/psnr": 1.0})
    record.leave_out("lpips", "no trunk")
    assert (only(LOWER, [record]).outcome, only(LOWER, [record]).reason) == ("not testable", "no trunk")
    assert only(Claim("c", "A", "t", "trend/robust/lpips < 0"), [record]).reason == "no trunk"
    rival = Claim("c", "A", "t", "lpips/robust/a < lpips/mlp/a", reason="no MLP here")
    assert only(rival, [record]).reason == only(rival, []).reason == "no MLP here"


def test_star_stands_for_what_both_sides_have_or_for_the_conditions_named(make_record):
    record = make_record({f"psnr/{e}/{c}": 1.0 for c in ("b", "a") for e in ("robust", "standard")})
    record.add("psnr/robust/c", 1.0)
    assert [v.condition for v in verdicts(HIGHER, [record])] == ["b", "a"]
    named = Claim("c", "A", "t", HIGHER.comparison, conditions=("a", "c"))
    assert [(v.condition, v.outcome) for v in verdicts(named, [record])] == [("a", "one run"), ("c", "not testable")]


def test_only_records_of_one_setting_count(make_record):
    runs = [pair(make_record, (20.0, 1.0), (19.0, 1.0), seed=i, eps=e) for e in (1.0, 3.0) for i in (0, 1)]
    pytest.raises(RecordError, verdicts, HIGHER, runs)
    assert only(Claim("c", "A", "t", HIGHER.comparison, where={"eps": 3.0}), runs).seeds == 2
    assert only(Claim("c", "A", "t", HIGHER.comparison, profiles=("paper",)), runs).outcome == "not testable"


def test_the_claims_of_the_book():
    claims = load_claims(Path(__file__).parents[2] / "book" / "claims.yaml")
    table1 = {c.id: c for c in claims if c.source == "A, Table 1"}
    assert {c.removeprefix("table1-"): table1[c].sides[1] for c in table1} == {
        "psnr": ">", "ssim": ">", "lpips": "<", "lpips-gan": ">"}
    assert table1["table1-psnr"].conditions == ("pixel", "pixel+feature", "pixel+feature+gan")
    (frog,) = [c.reported for c in claims if c.id == "tablea1-frog"]
    assert (frog.value, frog.tolerance) == ((0.71, 0.68), 0.005)


AB = "id: a, source: A, text: t, comparison: psnr/a/b > psnr/a/c"


@pytest.mark.parametrize("entry, cause", [
    ("{id: a, source: A, text: t, comparison: psnr/robust/a >= psnr/standard/a}", "is not <measure>"),
    ("{id: a, source: A, text: t, comparison: psnr/robust/* > psnr/standard/a}", "both sides"),
    ("{id: a, source: A, text: t, comparison: psnr/a/* > psnr/b/*, each: eps}", "either"),
    ("{id: a, source: A}", "text"), ("[", "line"), (f"{{{AB}}}\n" * 2, "twice"),
    (f"{{{AB}, conditions: [d]}}", r"no \*"), (f"{{{AB}, condition: [d]}}", "condition"),
    (f"{{{AB}, investigation: rivals}}", "<chapter>#<heading>"),
    (f"{{{AB}, reported: {{value: [1, 2, 3], tolerance: 1}}}}", "one or two"),
    (f"{{{AB}, reported: {{value: 1, tolerance: 1}}}}", "one or two"),
    (f"{{{AB}, reported: {{value: [1], tolerance: few}}}}", "tolerance"), (f"{{{AB}, reported: {{value: [1]}}}}", "tolerance"),
])
def test_what_cannot_be_tested_is_refused(tmp_path, entry, cause):
    path = tmp_path / "claims.yaml"
    path.write_text("".join(f"- {line}\n" for line in entry.splitlines()))
    error = pytest.raises(ClaimError, load_claims, path)
    assert error.match(cause) and str(path) in str(error.value)


def test_a_number_can_stand_on_the_right(make_record):
    rising = Claim("c", "A", "t", "trend/robust/psnr > 0")
    runs = [make_record({"trend/robust/psnr": value}, seed=i) for i, value in enumerate((0.9, 1.0, 0.8))]
    verdict = only(rising, runs)
    assert (verdict.outcome, verdict.seeds) == ("holds", 3) and verdict.difference == pytest.approx(0.9)
    assert only(rising, runs[:1]).outcome == "one run"  # one seed, one number: no spread is known
    above = Claim("c", "A", "t", "psnr/robust/* > 19.5")
    assert only(above, [make_record({"psnr/robust/a": (20.0, 3.0, 900)})]).condition == "a"


def test_each_value_of_a_parameter_has_its_verdict(make_record):
    claim = Claim("c", "A, Table 4", "t", "psnr/robust/a > psnr/standard/a", each="eps", chapter="robustness_sweep")
    runs = []
    for seed in range(3):
        for eps, gain in ((2.0, -1.0), (0.5, 1.0)):
            record = pair(make_record, (20 + gain + seed / 10, 1.0), (20.0, 1.0), seed=seed, chapter="robustness_sweep")
            record.point = {"eps": eps}
            runs.append(record)
    runs.append(pair(make_record, (20.0, 1.0), (10.0, 1.0)))  # another chapter's do not count
    runs.append(make_record({"psnr/standard/a": 20.0}, chapter="robustness_sweep", eps=0.0))  # only one side
    found = verdicts(claim, runs)
    assert [(v.condition, v.outcome, v.seeds) for v in found] == [("eps = 0.5", "holds", 3), ("eps = 2", "fails", 3)]
    (none,) = verdicts(claim, [])
    assert (none.condition, none.outcome) == ("", "not testable")
