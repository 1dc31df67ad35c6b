"""How lists of values become points, and what their folders are called."""

from __future__ import annotations

import pytest

from arae_book.chapters import Refused, find_chapter
from arae_book.grid import folder_name, grid


@pytest.fixture
def values(small_book, trace, tmp_path):
    """`values(*lists)`: the points' values."""
    chapter = find_chapter(small_book, "first")
    return lambda *lists: [point.values for point in grid(chapter, "default", lists, tmp_path)]


def test_every_combination_in_order(values):
    assert values(("eps", "0.5, 1e-3,2"), ("seed", "-1,3")) == [
        {"eps": eps, "seed": seed} for eps in (0.5, 1e-3, 2) for seed in (-1, 3)]


def test_commas_within_brackets_and_quotes_do_not_split(values):
    assert values(("layers", "[pixel],[pixel,pixel+feature], []")) == [
        {"layers": layers} for layers in (["pixel"], ["pixel", "pixel+feature"], [])]
    assert values(("name", "'a, b',\"c\",d,1e3")) == [{"name": name} for name in ("a, b", "c", "d", "1e3")]


def test_a_point_is_what_run_would_be_given(small_book, trace, tmp_path):
    chapter = find_chapter(small_book, "first")
    point = grid(chapter, "smoke", [("seed", "4"), ("layers", "[a, b]")], tmp_path)[0]
    assert point.settings.cell() == {"profile": "smoke", "seed": 4, "given": {"layers": ["a", "b"]}}
    assert point.settings.name == "quick" and point.values == {"seed": 4, "layers": ["a", "b"]}
    assert point.folder.parent == tmp_path


@pytest.mark.parametrize(("key", "text", "said"), [
    ("layers", "[conv1],[conv2],[ conv1 ]", "has the same value twice"),
    ("eps", ",1", "is no list of values"), ("eps", " ", "has no values"), ("eps", "1],[2", "is no list of values"),
    ("name", "a,'b", "is no list of values"), ("name", "a #b", "is no list of values"),
    ("seed", "0,0.5", "is a whole number"), ("eps", "1,true", "takes a number"),
])
def test_refusals(values, key, text, said):
    with pytest.raises(Refused, match=said):
        values((key, text))


def test_names_are_readable():
    assert folder_name({"seed": 1, "eps": 0.5}) == "eps=0.5,seed=1"  # whatever the order on the command line
    assert folder_name({"eps": 1.0}) == folder_name({"eps": 1}) == "eps=1"
    assert folder_name({"eps": 1e-5, "fast": True, "name": "crop+flip"}) == "eps=1e-05,fast=true,name=crop+flip"


def test_names_are_safe_and_distinct():
    odd = ["../x", ".._x", "a b", "a_b", "a,b", "ä", "x" * 300, "x" * 301, ["a", "b"], ["a_b"], ["a"], "a", "CON:"]
    names = [folder_name({"name": value}) for value in odd]
    assert len({name.lower() for name in names}) == len(odd)
    assert all(name.isascii() and not set(name) & set("/\\:*?\"<>| []") and len(name) < 60 for name in names)
    assert names[8].startswith("name=a_b~")
    many = folder_name({f"parameter_{number}": "y" * 30 for number in range(20)})
    assert len(many) <= 120 and many.startswith("parameter_0=yyy")
