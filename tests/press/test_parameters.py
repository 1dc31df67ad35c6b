"""What is refused before anything runs, and with which near matches; and the book's own profiles."""

import copy
import subprocess
import sys

import pytest
import yaml

from arae_book import settings
from arae_book.chapters import Refused, all_chapters, chapters_in_order, find_chapter, find_root
from arae_book.profiles import Settings, asked, parsed, profiles_of

ROOT = find_root()


@pytest.fixture
def profile(small_book):
    """`profile(text, name)` writes a profile's file."""
    def write(text, name="smoke"):
        path = small_book / f"book/profiles/{name}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def test_chapters_and_profiles_are_found(small_book, profile):
    profile("pair: {eps: 1}\n", "other")
    assert find_root() == small_book
    assert [chapter.name for chapter in chapters_in_order(small_book)] == ["second", "first"]
    assert profiles_of("first") == profiles_of("second") == ["default", "smoke"]


def test_a_chapter_has_the_pairs_parameters_and_its_own(small_book):
    first, second = settings("first"), settings("second")
    assert first.literals() == {"profile": "default", "eps": 0.5, "layers": ["conv1"], "fast": True, "name": "plain", "seed": 0}
    assert (first.eps, "eps" in first, "eps" in second) == (0.5, True, False)
    assert second.literals() == {"profile": "default", "seed": 0} and "eps" in dir(first)
    with pytest.raises(AttributeError, match="first has no parameter 'esp'; did you mean eps?"):
        first.esp


def test_a_profile_goes_over_the_default_and_the_chapters_block_over_its_pair(profile):
    profile("first: {eps: 2, name: a}\npair: {eps: 1}\nsecond: {}\n")
    profile("like: smoke\nfirst: {name: b}\n", "more")
    assert (settings("first", "smoke").eps, settings("first", "more").eps, settings("first", "more").name) == (2, 2, "b")
    assert settings("second", "smoke").literals() == {"profile": "smoke", "seed": 0}
    assert type(settings("first", "smoke").eps) is float
    with pytest.raises(Refused, match="second has no profile 'more'"):
        settings("second", "more")


def test_given_values_go_over_the_profile(small_book):
    given = [("eps", "1e-3"), ("seed", "-1"), ("layers", "[conv2, conv5]"), ("fast", "false"), ("name", "1e3")]
    p = asked("first", "smoke", given)
    assert p.literals() == {"profile": "smoke", "seed": -1, "eps": 1e-3, "layers": ["conv2", "conv5"], "fast": False,
                            "name": "1e3"}
    assert p.cell() == {"profile": "smoke", "seed": -1, "given": {name: getattr(p, name) for name in p.given}}
    assert settings("first", **p.cell()).literals() == p.literals()
    assert settings("first", given={"fast": "false"}).fast is False  # papermill's -p passes a text
    p.literals()["layers"].append("more")
    assert p.layers == ["conv2", "conv5"]
    settings("first").layers.append("more")
    assert settings("first").layers == ["conv1"]


@pytest.mark.parametrize(("text", "value"), [
    ("3", 3), ("1e-3", 1e-3), (".5", 0.5), ("null", None), ("True", True), ("[1, 2e-1]", [1, 0.2]), ("8/255", "8/255"),
    ("a: [", "a: ["), ("010", 10), ("1:30", "1:30"), ("no", "no"), ("2026-01-01", "2026-01-01"), ("9" * 5000, "9" * 5000),
    ("[" * 1000, "[" * 1000)])
def test_what_a_text_spells(text, value):
    assert parsed(text, []) == value and type(parsed(text, [])) is type(value)
    assert parsed(text, "a text") == text


@pytest.mark.parametrize(("name", "profile", "given", "said"), [
    ("frist", "default", [], "has no chapter 'frist'; did you mean first?"),
    ("first", "smok", [], "no profile 'smok'; did you mean smoke?"),
    ("first", "../profiles/smoke", [], "no profile '../profiles/smoke'"),
    ("first", "default", [("profile", "x/../../y")], "profile and seed are no values among those given"),
    ("first", "default", [("esp", "1")], "no parameter 'esp'; did you mean eps?"),
    ("second", "default", [("eps", "1")], "second has no parameter 'eps'"),
    ("first", "default", [("eps", "8/255")], r"eps of first takes a number \(as 0.5 is\), not '8/255'"),
    ("first", "default", [("eps", "true")], "eps of first takes a number"),
    ("first", "default", [("eps", "1e999")], "eps of first takes a number"),
    ("first", "default", [("eps", "9" * 400)], "eps of first takes a number"),
    ("first", "default", [("seed", "0.5")], r"seed of first takes a whole number \(as 0 is\), not 0.5"),
    ("first", "default", [("seed", "true")], "seed of first takes a whole number"),
    ("first", "default", [("seed", "1:30")], "seed of first takes a whole number"),
    ("first", "default", [("fast", "1")], "fast of first takes true or false"),
    ("first", "default", [("layers", "conv1")], r"layers of first takes a list \(as \['conv1'\] is\)"),
    ("first", "default", [("layers", "[conv1, 2]")], "layers of first takes a list"),
])
def test_refusals(small_book, name, profile, given, said):
    with pytest.raises(Refused, match=said) as refused:
        asked(name, profile, given)
    assert "\n" not in str(refused.value)


def test_unknown_chapters_and_seeds_among_the_values_are_refused(small_book):
    with pytest.raises(Refused, match="there is no chapter 'frist'; did you mean first?"):
        find_chapter(small_book, "frist")
    with pytest.raises(Refused, match="there is first, second"):
        find_chapter(small_book, "qqq")
    with pytest.raises(Refused, match="seed are no values among those given"):
        settings("first", given={"seed": 1})


@pytest.mark.parametrize(("text", "said"), [
    ("first: {epochz: 3}\n", "no parameter 'epochz'"), ("first: {eps: x}\n", "smoke.yaml: eps of first takes a number"),
    ("first: {}\npair: {esp: 3}\n", "pair has no parameter 'esp'; did you mean eps?"),
    ("first: {}\nsecond: {eps: 3}\n", "second has no parameter 'eps'"), ("- eps\n", "must hold"),
    ("first: {}\nfrist: {}\n", "a block 'frist'; did you mean first?"), ("first: 3\n", "must hold"),
    ("first: {eps: 1, eps: 2}\n", "eps stands twice"), ("a: [\n", "cannot be read"), ("a: [\n", "smoke.yaml"),
    (b"\xff\xfe\x00", "cannot be read"), ("[" * 1000, "cannot be read"),
    ("like: smoke\nfirst: {}\n", "leads nowhere"), ("like: ../x\nfirst: {}\n", "leads nowhere")])
def test_a_profile_is_checked_too(profile, text, said):
    profile(text)
    with pytest.raises(Refused, match=said) as refused:
        settings("first", "smoke")
    assert "\n" not in str(refused.value)


def test_numbers_of_a_profile_are_decimal(profile):
    profile("first: {eps: 1e-3, name: 'no'}\n")
    assert settings("first", "smoke").eps == 1e-3
    profile("first: {name: no}\n")
    assert settings("first", "smoke").name == "no"
    profile("first: {eps: 0010}\n")
    assert settings("first", "smoke").eps == 10.0


def test_a_record_that_lacks_a_parameter_counts_as_made_at_the_default(profile):
    p = settings("first", "smoke")
    full = p.literals()
    assert p.differs(full) == [] and p.differs({**full, "seed": 3, "eps": 2.0}) == ["eps", "seed"]
    lacking = {name: value for name, value in full.items() if name not in ("fast", "layers")}
    assert p.differs(lacking) == [] and p.differs({"profile": "smoke"}) == ["eps"]  # the profile's is not the default
    assert p.differs({**full, "old": 1}) == ["old"]
    profile("pair: {eps: 0.5}\nfirst: {former: {old: 1}, layers: [conv1], fast: true, name: plain}\n", "default")
    profile("first: {eps: 1}\n")
    p = settings("first", "smoke")
    assert p.differs({**full, "old": 1}) == p.differs(full) == [] and p.differs({**full, "old": 2}) == ["old"]
    assert "old" not in p.literals()


def test_reference_models_bring_their_pairs_recipe_and_leave_the_chapter_its_images(profile):
    profile("pair: {eps: 2, models: other, dataset: mine}\nfirst: {former: {models: train}, layers: [conv1]}\n", "default")
    profile("pair: {eps: 4, dataset: theirs, models: train}\nfirst: {layers: [conv2]}\n", "other")
    p = settings("first")
    assert (p.models, p.eps, p.dataset, p.layers) == ("other", 4.0, "mine", ["conv1"])
    own = settings("first", given={"models": "train"})
    assert (own.models, own.eps, own.layers) == ("train", 2.0, ["conv1"])
    assert settings("first", given={"eps": 3}).eps == 3.0 and settings("first", "other").dataset == "theirs"
    recorded = {name: value for name, value in own.literals().items() if name != "models"}
    assert own.differs(recorded) == [] and p.differs(recorded) == ["eps", "models"]  # from before there was a choice
    with pytest.raises(Refused, match="models of first: there is no profile 'othre'; did you mean other?"):
        settings("first", given={"models": "othre"})


def test_settings_show_themselves_as_a_table_and_as_lines(profile):
    profile("pair:\n  eps: 0.5  # a | b\nfirst:\n  layers: [conv1]  # those\n  fast: true\n  name: ''\n", "default")
    p = settings("first")
    assert p._repr_markdown_() == ("<details><summary>The 6 parameters, at profile <code>default</code></summary>\n\n"
        "| name | value | |\n| --- | --- | --- |\n| `profile` | default | the scale: a file of `book/profiles` |\n"
        "| `eps` | 0.5 | a \\| b |\n| `layers` | conv1 | those |\n| `fast` | True |  |\n| `name` | none |  |\n"
        "| `seed` | 0 |  |\n\n</details>")
    assert repr(p).splitlines()[:3] == ["first, 6 parameters", "  profile = 'default'", "  eps = 0.5"]
    assert copy.deepcopy(p).literals() == p.literals()


def test_what_is_no_book_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    with pytest.raises(Refused, match="is not the book"):
        find_root()


# The book's own


def test_every_chapter_and_profile_of_the_book_is_read():
    default = yaml.safe_load((ROOT / "book/profiles/default.yaml").read_text())
    assert default.keys() - {"pair"} == all_chapters(ROOT).keys()
    for chapter in all_chapters(ROOT):
        for name in profiles_of(chapter, ROOT):
            p = settings(chapter, name)
            taken = p.literals().keys() & (set(dir(Settings)) | set(Settings.__dataclass_fields__))
            assert taken == {"profile", "seed"}
        scales = {"smoke", "cifar10", "tiny-imagenet", "paper"}
        if chapter == "controls":  # a linear map to 150,528 pixel values is no read-out
            scales.remove("paper")
        assert scales <= set(profiles_of(chapter, ROOT))
    assert len(list((ROOT / "book/profiles").iterdir())) <= 11


def test_the_package_is_cheap_to_import():
    check = "import sys, arae_book; assert not {'torch', 'nbformat', 'papermill'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


# What a profile names and the data or the encoder does not hold

TINY = {"train_images": 128, "width": 0.0625, "epochs": 1, "attack_steps": 1}


@pytest.fixture
def untrained(tmp_path, monkeypatch):
    """An empty store, no data, and no training: whoever begins one fails."""
    from arae_core import training

    def begun(*_, **__):
        raise AssertionError("a training began")

    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(training, "standard_and_robust", begun)


@pytest.mark.parametrize(("chapter", "given", "said"), [
    ("inversion", {"layer": "conv9"}, "layer of inversion: there is no 'conv9'; did you mean conv"),
    ("inversion", {"layers": ["conv1", "block3"]}, "layers of inversion: there is no 'block3'"),
    ("unseen_resolutions", {"shallow": "conv0"}, "shallow of unseen_resolutions: there is no 'conv0'"),
    ("unseen_resolutions", {"pictures": ["photographs", "denoise/none"]}, "pictures of unseen_.*denoise/none is not here"),
    ("denoising", {"pictures": ["coffee"]}, "pictures of denoising: coffee is not here"),
    ("anomaly_detection", {"classes": ["n01443537"]}, "classes of anomaly_detection: photos has no class 'n0144"),
    ("anomaly_detection", {"classes": ["cat"], "anomaly_dataset": "photos", "test_images": 20}, "photos has no class 'cat'"),
    ("anomaly_detection", {"anomaly_dataset": "cifar01"}, "anomaly_dataset of .*no data set 'cifar01'; did you mean cifar10"),
    ("denoising", {"kept": ["chelsae"]}, "kept of denoising: there is no 'chelsae'; did you mean chelsea"),
    ("style_transfer", {"styles": ["brick", "style/none"]}, "styles of style_transfer: style/none is not here"),
    ("style_transfer", {"generator_dataset": "tiny-imagenet"}, "generator_dataset of style_transfer: tiny-imagenet is not"),
    ("inversion", {"dataset": "no-such-data"}, "dataset of inversion: no data set 'no-such-data'"),
    ("inversion", {"dataset": "tiny-imagenet"}, "dataset of inversion: tiny-imagenet is not here"),
])
def test_what_a_profile_names_is_looked_for_before_any_training(untrained, chapter, given, said):
    with pytest.raises(Refused, match=said) as refused:
        settings(chapter, given=TINY | given).pair()
    assert "\n" not in str(refused.value)


def test_a_chapter_without_the_pair_says_what_its_parameters_may_be(untrained):
    p = settings("other_encoders")
    p.require(vgg_layer=["block5"], wrn_layer=["block3"])
    with pytest.raises(Refused, match="vgg_layer of other_encoders: there is no 'block5'; did you mean block4"):
        p.require(vgg_layer=["block4"])
    with pytest.raises(Refused, match="wrn_dataset of other_encoders: no data set 'nope'"):
        settings("other_encoders", given={"wrn_dataset": "nope"}).require()


def test_reference_models_serve_on_other_images_and_what_does_not_fit_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ARAE_DATA", str(tmp_path / "data"))
    given = {"models": "cifar10", "test_images": 20}
    pair = settings("denoising", given=given).pair()
    assert pair.train.name == "cifar10" and pair.test.name == "photos" and pair.attack.eps == 0.5
    assert all(trained.found and trained.path.parent.parent.name == "cifar10" for trained in pair.trained.values())
    for more, said in ((dict(models="smoke"), "models of denoising: no reference model 'robust-encoder' of 'smoke'"),
                       (dict(image_size=64), "'standard' as asked for: the nearest, cifar10/standard-encoder, has "
                                             "model.arguments.image_size 32, not 64"),
                       (dict(eps=1), "'robust' as asked for: .*cifar10/robust-encoder, has config.attack.eps 0.5, not 1.0")):
        with pytest.raises(Refused, match=said):
            settings("denoising", given=given | more).pair()
    assert not list(tmp_path.rglob("*.safetensors"))


def test_the_pair_is_that_of_chapter_1(tmp_path, monkeypatch):
    import torch

    from arae_core import data, training
    from arae_core.networks import AlexNet

    monkeypatch.setenv("ARAE_STORE", str(tmp_path))
    p = settings("inversion", seed=3, given=TINY | {"test_images": 20, "start": "kaiming", "attack_warmup": 0.5})
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    pair = p.pair()
    train = data.load("photos", "train", image_size=32, count=128, seed=3)
    recipe = training.ClassifierConfig(
        epochs=1, batch_size=p.batch_size, lr=p.lr, schedule=p.schedule, weight_decay=p.weight_decay, clip=p.clip,
        augment=p.augment, precision=p.precision)
    attack = training.Attack(p.norm, p.eps, 1, p.attack_step_size, keep_best=False, warmup=0.5)
    by_hand = training.standard_and_robust(
        lambda: AlexNet(image_size=32, num_classes=len(train.classes), width=0.0625, start="kaiming"), train, recipe, attack, seed=3)
    assert all(by_hand[name].found and by_hand[name].key == pair.trained[name].key for name in ("standard", "robust"))
    assert (len(pair.train), len(pair.test), pair.recipe, pair.attack) == (128, 20, recipe, attack)
    assert list(pair.encoders) == ["standard", "robust"] and not pair.encoders["robust"].training
    assert torch.equal(before, torch.random.get_rng_state())
    assert settings("style_transfer", given=TINY).images()[1] is None
