"""The public address stands in _config.yml; badges, set-up cells, CITATION and links are derived from it."""

import re

import nbformat
import pytest
import yaml

from arae_book import address

OLD, NEW = "https://github.com/someone/old-name", "https://github.com/somebody-else/new.name"


@pytest.fixture
def checkout(tmp_path):
    """A small checkout with one chapter, as its author left it: no badge, no set-up cell."""
    (tmp_path / "book" / "part").mkdir(parents=True)
    (tmp_path / "_config.yml").write_text(
        f"title: x\n# kept\nrepository:\n  url: {OLD}\n  branch: main\nlaunch_buttons:\n  url: untouched\n")
    (tmp_path / "CITATION.cff").write_text(f'cff-version: 1.2.0\nrepository-code: "{OLD}"\n')
    (tmp_path / "README.md").write_text(f"git clone {OLD}\n\nthe paper's: {OLD}-more, https://github.com/a/b\n")
    chapter = nbformat.v4.new_notebook()
    chapter.cells = [nbformat.v4.new_markdown_cell("# Title\n\nWhat you will see."), nbformat.v4.new_code_cell("1")]
    nbformat.write(chapter, tmp_path / "book" / "part" / "01_first.ipynb")
    return tmp_path


def texts(checkout):
    return {path: path.read_text() for path in checkout.rglob("*") if path.is_file()}


def test_a_new_address_reaches_every_place_and_no_other(checkout):
    address.set_address(checkout, NEW)
    config = yaml.safe_load((checkout / "_config.yml").read_text())
    assert config["repository"] == {"url": NEW, "branch": "main"}
    assert config["launch_buttons"]["url"] == "untouched"
    assert "# kept" in (checkout / "_config.yml").read_text()
    assert yaml.safe_load((checkout / "CITATION.cff").read_text())["repository-code"] == NEW
    assert (checkout / "README.md").read_text() == (f"git clone {NEW}\n\nthe paper's: {OLD}-more, https://github.com/a/b\n")
    title, set_up, code = nbformat.read(checkout / "book/part/01_first.ipynb", as_version=4).cells
    assert title.source == ("# Title\n\n[![Open in Colab](../_static/colab.svg)](https://colab.research.google.com/github/"
        "somebody-else/new.name/blob/main/book/part/01_first.ipynb)\n\nWhat you will see.")
    assert set_up.source == address.setup_cell(NEW) and set_up.metadata.tags[0] == "colab-setup"
    assert code.source == "1"


def test_an_address_edited_by_hand_is_derived_too_and_applying_it_again_changes_nothing(checkout):
    config = checkout / "_config.yml"
    config.write_text(config.read_text().replace(OLD, NEW))
    assert address.set_address(checkout)
    assert f"git clone {NEW}\n" in (checkout / "README.md").read_text()
    before = texts(checkout)
    assert address.set_address(checkout, NEW) == [] == address.set_address(checkout)
    assert texts(checkout) == before


@pytest.mark.parametrize("wrong", ["", "github.com/a/b", "https://github.com/a", "https://example.org/a/b",
                                   "https://github.com/<owner>/book"])
def test_what_is_no_address_is_refused_before_anything_is_written(checkout, wrong):
    before = texts(checkout)
    with pytest.raises(ValueError, match="https://github.com/OWNER/NAME"):
        address.set_address(checkout, wrong)
    assert texts(checkout) == before


def strays(root, files):
    """Lines among `files` that name this repository where nothing keeps the name up to date.

    A line names it when it holds the configured OWNER/NAME, or any other owner of a repository NAME. In `_config.yml`
    and the derived files such lines are in order as long as they agree with `_config.yml`; in a chapter, only its badge,
    its set-up cell and its links to the code may hold the name.
    """
    owner, name = address.repository(root)[0].rsplit("/", 2)[1:]
    mention = re.compile(rf"github(?:usercontent)?(?:\.com)?[/:]([\w.<>$-]+)/{re.escape(name)}(?![\w-])")
    expected, found = address.derived(root), []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        kept = path == root / "_config.yml" or expected.get(path) == text
        found += [f"{path.relative_to(root)}:{number}: {line}" for number, line in enumerate(text.splitlines(), start=1)
                  if any(not kept or hit[1] != owner for hit in mention.finditer(line))]
    return found


def test_strays_are_found(checkout):
    address.set_address(checkout, NEW)
    notes = checkout / "notes.txt"
    notes.write_text("git@github.com:somebody-else/new.name.git\nhttps://github.com/a/b\n")
    readme = checkout / "README.md"
    readme.write_text(readme.read_text() + "https://raw.githubusercontent.com/OWNER/new.name/main/x.png\n")
    found = strays(checkout, [notes, readme, checkout / "_config.yml"])
    assert [line.split(" ")[0].rstrip(":") for line in found] == ["notes.txt:1", "README.md:4"]


def test_this_checkout_is_up_to_date_and_its_set_up_cell_is_short_and_is_python(root):
    source = address.setup_cell(NEW)
    compile(source, "set-up", "exec")
    assert len(source.splitlines()) <= 18
    stale = [path for path, text in address.derived(root).items() if path.read_text() != text]
    assert stale == [], "run: arae site"


def test_this_checkout_has_no_strays(root, checkout_files):
    assert strays(root, [root / name for name in checkout_files]) == []
