"""What every chapter's notebook must hold, whatever its subject."""

import ast

import nbformat
import pytest
import yaml

from arae_book.chapters import all_chapters, find_root
from arae_book.parameters import defaults

ROOT = find_root()
CHAPTERS = all_chapters(ROOT)
# Chapters that use the pair of robust_training, each with what it evaluates in another way.
SHARE_THE_PAIR = {
    "inversion": set(), "robustness_sweep": {"radii", "test_steps", "autoattack_images"}, "unseen_resolutions": set(),
    "rivals": set(), "style_transfer": set(), "denoising": set(), "anomaly_detection": set(),
}
SHARE_THE_GENERATOR = {"robustness_sweep", "unseen_resolutions", "rivals"}
EXEMPT = {"nbval-ignore-output", "nbval-skip"}


def cells_of(chapter, kind="code"):
    notebook = nbformat.read(CHAPTERS[chapter].path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind and cell.source.strip()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


@pytest.fixture(params=sorted(CHAPTERS))
def chapter(request):
    return request.param


def test_outputs_are_those_of_a_whole_run(chapter):
    """A cell without a count is never compared by nbval: a stripped notebook would pass whatever it prints."""
    cells = cells_of(chapter)
    counts = [cell.execution_count for cell in cells]
    assert None not in counts and counts == sorted(counts)
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]


def test_at_least_five_conclusions_are_compared(chapter):
    def concludes(cell):
        text = "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")
        return not tags(cell) & EXEMPT and ("True" in text or "False" in text)

    assert sum(map(concludes, cells_of(chapter))) >= 5


def test_figures_have_alternative_texts(chapter):
    for cell in cells_of(chapter):
        if any("image/png" in o.get("data", {}) for o in cell.outputs):
            assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), cell.source


def test_cells_are_short(chapter):
    lines = {cell.source[:40]: len(cell.source.splitlines()) for cell in cells_of(chapter)
             if "parameters" not in tags(cell)}
    assert {source: n for source, n in lines.items() if n > 25} == {}


def test_no_bars_and_no_warnings_are_stored(chapter):
    for cell in cells_of(chapter):
        assert not [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"], cell.source
        assert "it/s]" not in "".join(o.get("text", "") for o in cell.outputs)


def test_every_profile_sets_what_the_chapter_has(chapter):
    assert {"smoke", "cifar10", "tiny-imagenet", "paper"} <= set(CHAPTERS[chapter].profiles())
    own = defaults(CHAPTERS[chapter])
    for path in (ROOT / "book" / "profiles" / chapter).glob("*.yaml"):
        for name, value in yaml.safe_load(path.read_text()).items():
            assert name in own, f"{path.name}: {name}"
            assert isinstance(value, type(own[name])) or (isinstance(own[name], float) and isinstance(value, int))


OWN = {"profile", "test_images", "seed"}  # what may differ between chapters that share their encoders


def settings_of(chapter, profile):
    path = ROOT / "book" / "profiles" / chapter / f"{profile}.yaml"
    return {**defaults(CHAPTERS[chapter]), **({} if profile == "default" else yaml.safe_load(path.read_text()))}


@pytest.mark.parametrize("profile", ["default", "smoke", "cifar10", "tiny-imagenet", "paper"])
@pytest.mark.parametrize("other", sorted(SHARE_THE_PAIR))
def test_chapters_describe_the_same_encoders(profile, other):
    """Else they would not share them: what both chapters name must have one value."""
    first, second = settings_of("robust_training", profile), settings_of(other, profile)
    shared = first.keys() & second.keys() - OWN - SHARE_THE_PAIR[other]
    assert len(shared) >= 12 and {n for n in shared if first[n] != second[n]} == set()


@pytest.mark.parametrize("profile", ["default", "smoke", "cifar10", "tiny-imagenet", "paper"])
@pytest.mark.parametrize("other", sorted(SHARE_THE_GENERATOR))
def test_chapters_describe_the_same_generator(profile, other):
    first, second = settings_of("inversion", profile), settings_of(other, profile)
    shared = first.keys() & second.keys() - OWN
    assert {n for n in shared if n.startswith("generator") and first[n] != second[n]} == set()


@pytest.mark.parametrize("profile", ["default", "smoke", "cifar10", "tiny-imagenet", "paper"])
def test_the_pair_lies_on_the_sweeps_dial(profile):
    """The sweep's radii hold the pair's, and the attack at it is the pair's own."""
    pair, sweep = settings_of("robust_training", profile), settings_of("robustness_sweep", profile)
    assert {0.0, pair["eps"]} <= set(sweep["radii"])
    assert sweep["attack_step_ratio"] * pair["eps"] == pair["attack_step_size"]


def test_parameters_cell_is_plain(chapter):
    (cell,) = [cell for cell in cells_of(chapter) if "parameters" in tags(cell)]
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
