import dataclasses
import json

import pytest
import torch
from scipy import stats

from arae_core import data
from arae_core.results import Record, RecordError, by_seed, read_all
from arae_core.results.intervals import of_images

BOTH = {"psnr/robust/a": (20.0, 1.0), "psnr/standard/a": (20.0, 1.0)}


def test_round_trip(make_record, tmp_path):
    record = make_record({"psnr/robust/pixel+feature": (20.9, 3.1, 200), "auroc/robust": 0.71}, layers=("a", "b"))
    record.leave_out("lpips", "no trunk")
    path = record.write(tmp_path / "records")
    assert Record.read(path) == record
    assert read_all(tmp_path / "records") == [record] and read_all(tmp_path / "nowhere") == []
    content = json.loads(path.read_text())
    summary = {"value": pytest.approx(20.9), "std": pytest.approx(3.1), "n": 200}
    assert content["metrics"]["psnr/robust/pixel+feature"] == summary
    assert content["metrics"]["auroc/robust"] == {"value": 0.71, "std": 0.0, "n": 1}
    assert content["data"] == {"name": "photos", "digest": "0123456789abcdef", "notes": ""}
    assert content["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert content["device"].startswith("cpu") and content["seconds"] > 0
    del content["point"]  # as it was before there were points and pairs, of which this record has none
    path.write_text(json.dumps(content))
    assert Record.read(path).point == Record.read(path).pairs == {}


def test_file_name_tells_runs_apart_and_lets_a_rerun_replace_itself(make_record, tmp_path):
    first = make_record({"psnr/robust/a": 1.0}, profile="tiny-imagenet", seed=2)
    assert first.file_name.startswith("inversion-tiny-imagenet-seed2-")
    again = make_record({"psnr/robust/a": 2.0}, profile="tiny-imagenet", seed=2)
    other = make_record({"psnr/robust/a": 2.0}, profile="tiny-imagenet", seed=2, eps=0.5)
    assert first.write(tmp_path) == again.write(tmp_path) != other.write(tmp_path)
    assert [r.metrics["psnr/robust/a"]["value"] for r in read_all(tmp_path)] == [2.0, 2.0]


def test_what_does_not_belong_in_a_record(make_record):
    record = make_record({"psnr/robust/a": 1.0})
    for name in ("psnr", "PSNR/robust/a", "psnr/robust/a/b", "psnr/robust/a b", "psnr//a", ""):
        pytest.raises(RecordError, record.add, name, 1.0).match("is named")
    pytest.raises(RecordError, record.add, "psnr/robust/a", 2.0).match("already")
    infinite = torch.tensor([1.0, float("inf")])
    pytest.raises(RecordError, record.add, "psnr/robust/b", infinite).match("psnr/robust/b is not finite")
    assert list(record.metrics) == ["psnr/robust/a"]
    for value in (torch.ones(1), float("nan")):
        pytest.raises(RecordError, make_record, {}, eps=value).match("literals")


@pytest.mark.parametrize("content, cause", [
    (b'{"chapter": "inv', "no whole JSON"), (b"\xff\xfe", "no whole JSON"), (b"[]", "no record"),
    (b'{"chapter": "inversion"}', "missing.*commit"),
    ({"metrics": {"psnr/robust/a": {"value": 1.0}}}, "psnr/robust/a"), ({"metric": {}}, "no record.*metric"),
    ({"pairs": {"psnr/robust/a": {"value": 1.0, "std": 1.0, "n": 2}}}, "no pair of measures"),
    ({"pairs": {"psnr/robust/a - psnr/standard/a": {"value": 1.0}}}, "no pair of measures"),
])
def test_a_broken_file_is_named_with_its_cause(make_record, tmp_path, content, cause):
    if isinstance(content, dict):
        content = json.dumps(dataclasses.asdict(make_record(BOTH)) | content).encode()
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    error = pytest.raises(RecordError, read_all, tmp_path)
    assert error.match(cause) and str(path) in str(error.value)


def test_by_seed_takes_only_what_differs_in_nothing_but_the_seed(make_record):
    a, b = make_record({}, seed=3), make_record({}, seed=1)
    assert list(by_seed([a, b])) == [1, 3]
    pytest.raises(RecordError, by_seed, [a, make_record({}, seed=3)]).match("two records.*seed 3")
    other = [make_record({}, seed=3, layer="conv2"), make_record({}, seed=4, eps=2.0, layer="conv1")]
    pytest.raises(RecordError, by_seed, other).match("differ.*eps, layer$")
    assert len(by_seed([a, make_record({}, seed=4, layer="conv1")])) == 2  # a parameter that is younger than a
    pytest.raises(RecordError, by_seed, [a, make_record({}, seed=4, profile="smoke")]).match("profile")


def test_points_of_one_run_have_files_of_their_own_and_are_no_seeds_of_one_thing(make_record, tmp_path):
    records = [make_record({"psnr/robust/a": 20.0}, seed=seed) for seed in (0, 1)]
    whole = records[0].file_name
    records[0].point = {"eps": 0.5}
    assert records[0].file_name != whole and records[0].setting["eps"] == 0.5
    assert Record.read(records[0].write(tmp_path)).point == {"eps": 0.5}
    pytest.raises(RecordError, by_seed, records).match("eps")


def test_what_two_measures_differ_by_on_the_same_images(make_record, tmp_path):
    hard = torch.linspace(10, 30, 50)  # images differ a lot, the encoders little
    gain = 1 + 0.1 * torch.sin(torch.arange(50.0))
    record = make_record({"psnr/standard/a": hard, "psnr/robust/a": hard + gain, "psnr/robust/b": hard})
    assert list(record.pairs) == ["psnr/standard/a - psnr/robust/a"]  # neither b nor anything of another condition
    (pair,) = record.pairs.values()
    assert pair == {"value": pytest.approx(-gain.mean().item(), rel=1e-4),
                    "std": pytest.approx(gain.std().item(), rel=1e-4), "n": 50}
    path = record.write(tmp_path)
    text = path.read_text()
    assert Record.read(path) == record and text.count('"n": 50') == 4 and "_values" not in text
    assert [line[-8:] for line in text.splitlines() if " - " in line] == ['"n": 50}']


def test_crops_of_one_photograph_are_akin(tmp_path):
    photos = data.photos("test", count=40, image_size=32, seed=0)
    record = Record.of_run("inversion", parameters={}, data=photos, seed=0, started=0)
    for name, values in (("psnr/a/b", photos.labels), ("psnr/c/b", torch.ones(40)), ("psnr/a/few", photos.labels[:20])):
        record.add(name, values)
    record.add("ssim/a/few", photos.labels[:20], clusters=photos.labels[:20])
    mine, (pair,) = record.metrics["psnr/a/b"], record.pairs.values()
    assert mine["clusters"] == pair["clusters"] == len(photos.labels.unique()) > 5 and mine["error"] == pytest.approx(pair["error"])
    assert pair["error"] > 1.7 * pair["std"] / 40**0.5 and "clusters" not in record.metrics["psnr/a/few"]
    assert record.metrics["ssim/a/few"]["clusters"] == len(photos.labels[:20].unique())
    assert of_images(mine)[2] - mine["value"] == pytest.approx(stats.t.ppf(0.975, mine["clusters"] - 1) * mine["error"])
    assert Record.read(record.write(tmp_path)) == record


def test_pairs_have_no_nan_take_truths_as_numbers_and_are_of_the_same_images(make_record):
    nan = float("nan")
    record = make_record({"lpips/a": torch.tensor([1.0, nan, 3.0, 4.0]), "lpips/b": torch.tensor([0.0, 1.0, nan, 2.0])})
    assert record.pairs == {"lpips/a - lpips/b": {"value": 1.5, "std": pytest.approx(0.707107), "n": 2}}
    record = make_record({f"accuracy/{name}/pgd": torch.arange(3) < n for name, n in (("a", 2), ("b", 1))})
    assert record.pairs["accuracy/a/pgd - accuracy/b/pgd"]["value"] == pytest.approx(1 / 3, rel=1e-5)
    # what is not of the same images is no pair
    record = make_record({"auroc/a/cat": 0.7, "auroc/b/cat": 0.6, "lpips/a": torch.tensor([1.0, float("nan")]),
                          "lpips/b": torch.tensor([1.0, 2.0])})
    assert record.pairs == {}  # single numbers, and a single image that both have
    record = make_record({"psnr/crops/tried": (20.0, 1.0, 6), "psnr/Kodak24/tried": (21.0, 1.0, 6)})
    assert len(record.pairs) == 1
    record.add("psnr/photographs/tried", torch.tensor([20.0, 21.0]))  # so "tried" is no set of images
    assert record.pairs == {}
    record.add("psnr/more/tried", torch.arange(6.0))
    assert record.pairs == {}
