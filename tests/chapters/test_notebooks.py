"""What every chapter's notebook must hold, whatever its subject."""

import ast
import builtins
import re
import symtable

import nbformat
import pytest
import yaml

from arae_book import settings
from arae_book.address import repository
from arae_book.chapters import all_chapters, find_root
from arae_book.profiles import profiles_of

ROOT = find_root()
CHAPTERS = all_chapters(ROOT)
NOTEBOOKS = {name: chapter.path for name, chapter in CHAPTERS.items()}
NOTEBOOKS["template"] = ROOT / "book" / "template" / "chapter.ipynb"  # what is new begins as its copy
EXEMPT = {"nbval-ignore-output", "nbval-skip"}
CELL = {"profile": "default", "seed": 0, "given": {}}
TRAINING = ("find_else_train(", ".pair(", "standard_and_robust(")
SHOWN = re.compile(r"```\{literalinclude\} (?P<path>\S+)\n(?P<options>(?::.*\n)*)```")
# The names of the former layout, which no chapter may bring back.
FORMER = re.compile(r"arae_core(?:\.| import .*\b)(?:encoders|generators|critics|tasks|publishing|timing)\b|\bcritic"
                    r"|trained_(?:classifier|inverter|deepsim|dcgan)\b|results\.literals")


def cells_of(chapter, kind="code"):
    notebook = nbformat.read(NOTEBOOKS[chapter], as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind and cell.source.strip()]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def tagged(chapter, tag):
    return [cell for cell in cells_of(chapter) if tag in tags(cell)]


@pytest.fixture(params=sorted(CHAPTERS))
def chapter(request):
    return request.param


@pytest.fixture(params=sorted(NOTEBOOKS))
def notebook(request):
    """A chapter, or the template."""
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


def test_cells_are_short_and_use_nothing_of_the_former_layout(notebook):
    lines = {cell.source[:40]: len(cell.source.splitlines()) for cell in cells_of(notebook)}
    assert {source: n for source, n in lines.items() if n > 25} == {}
    assert [cell.source for kind in ("code", "markdown") for cell in cells_of(notebook, kind)
            if FORMER.search(cell.source)] == []


def test_stored_figures_have_alternative_texts_and_no_bars_warnings_or_folders_are_stored(chapter):
    for cell in cells_of(chapter):
        if any("image/png" in o.get("data", {}) for o in cell.outputs):
            assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), cell.source
        assert not [o for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"], cell.source
        shown = "".join(str(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in cell.outputs)
        assert not re.search(r"it/s\]|/(?:home|root|Users|tmp|work)/", cell.source + shown), cell.source


def test_the_parameters_are_plain_few_and_those_of_every_chapter(notebook):
    """`arae`, papermill and the pages set these three; what else there is stands in the profiles."""
    (cell,) = tagged(notebook, "parameters")
    statements = ast.parse(cell.source).body
    assert all(isinstance(statement, ast.Assign) for statement in statements) and len(statements) <= 12
    assert {s.targets[0].id: ast.literal_eval(s.value) for s in statements} == CELL


def test_the_next_cell_asks_for_the_settings(chapter):
    cells = [cell for cell in cells_of(chapter) if "injected-parameters" not in tags(cell)]  # as papermill leaves it
    (at,) = [i for i, cell in enumerate(cells) if "parameters" in tags(cell)]
    assert cells[at + 1].source.startswith(f'p = settings("{chapter}", profile, seed=seed, given=given)')


def test_every_profile_of_a_chapter_with_reference_runs_is_there(chapter):
    """Every other chapter has at least what the tests run, and a scale at which its results are reported."""
    runs = yaml.safe_load((ROOT / "book" / "reference" / "runs.yaml").read_text())["profiles"]
    listed = {profile for profile, own in runs.items() if any(run["chapter"] == chapter for run in own)}
    scales = {"smoke", "cifar10", "tiny-imagenet", "paper"} if listed else {"smoke", "cifar10"}
    if chapter == "controls":  # a linear map to 150,528 pixel values is no read-out
        scales.remove("paper")
    assert scales | listed <= set(profiles_of(chapter))
    for profile in profiles_of(chapter):
        assert settings(chapter, profile).literals()["profile"] == profile


def test_the_cells_that_train_need_no_others(notebook):
    """Every name that they read is bound in one of them before, or is Python's own."""
    known, cells = {"__class__", *dir(builtins)}, tagged(notebook, "trains")
    assert cells and tagged(notebook, "parameters")[0] in cells
    for cell in cells:
        tables = [symtable.symtable(cell.source, "cell", "exec")]
        for table in tables:  # of the cell, and of its functions and comprehensions, which join it
            tables += table.get_children()
        names = [name for table in tables for name in table.get_symbols()]
        known |= {name.get_name() for name in names if name.is_assigned() or name.is_imported() or name.is_parameter()}
        assert {name.get_name() for name in names} <= known, cell.source


def test_what_trains_is_tagged_so(notebook):
    training = [cell for cell in cells_of(notebook) if any(call in cell.source for call in TRAINING)]
    assert training and [cell.source for cell in training if "trains" not in tags(cell)] == []


def shown_in(notebook):
    """(path under the root, name) of each piece of source that a notebook shows."""
    for cell in cells_of(notebook, "markdown"):
        for match in SHOWN.finditer(cell.source + "\n"):
            path = (NOTEBOOKS[notebook].parent / match["path"]).resolve().relative_to(ROOT)
            options = dict(re.findall(r":([\w-]+): *(.*)", match["options"]))
            yield cell, path, options


def test_the_networks_and_loops_that_are_shown_exist_and_are_linked(notebook):
    """With a link for readers in Colab, where the directive stays a directive."""
    address, branch = repository(ROOT)
    for cell, path, options in shown_in(notebook):
        tree, found = ast.parse((ROOT / path).read_text()), None
        for part in options["pyobject"].split("."):
            found = next(node for node in (found or tree).body if getattr(node, "name", None) == part)
        assert options["language"] == "python"
        assert f"]({address}/blob/{branch}/{path.as_posix()})" in cell.source, f"{path}: no link to it"
    text = "\n".join(cell.source + "\n" for cell in cells_of(notebook, "markdown"))
    assert text.count("{literalinclude}") == len(SHOWN.findall(text)) > 0


def test_a_loop_is_shown(notebook):
    """A loop that takes steps, by an optimiser or a gradient; or a link to the chapter that shows it."""
    step = re.compile(r"^ +for .*:$(?s:.*)(?:\.step\(\)|\.grad\(|\.backward\(|\bdescend\()", re.MULTILINE)
    loops = []
    for _, path, options in shown_in(notebook):
        source = (ROOT / path).read_text()
        loops += [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
                  and node.name == options["pyobject"] and step.search(ast.get_source_segment(source, node))]
    texts = [cell.source for cell in cells_of(notebook, "markdown")]
    assert loops or any("loop" in text and re.search(r"\]\(\d\d_\w+\.ipynb\)", text) for text in texts)
