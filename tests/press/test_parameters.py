"""What is refused before anything runs, and with which near matches."""

from __future__ import annotations

import pytest

from arae_book.chapters import Refused, chapters_in_order, find_chapter, find_root
from arae_book.parameters import defaults, literal, settings


def test_chapters_and_profiles_are_found(small_book):
    assert find_root() == small_book
    assert [chapter.name for chapter in chapters_in_order(small_book)] == ["second", "first"]
    assert list(find_chapter(small_book, "first").profiles()) == ["default", "smoke"]


def test_defaults_are_the_literals(small_book):
    assert defaults(find_chapter(small_book, "first")) == {
        "profile": "default", "seed": 0, "eps": 0.5, "layers": ["conv1"], "fast": True}


def test_given_values_go_over_the_profile(small_book):
    chapter = find_chapter(small_book, "first")
    assert settings(chapter, "default") == {}
    assert settings(chapter, "smoke") == {"profile": "smoke", "eps": 1}
    given = [("eps", "1e-3"), ("seed", "-1"), ("layers", "[conv2, conv5]"), ("fast", "false")]
    assert settings(chapter, "smoke", given) == {
        "profile": "smoke", "eps": 1e-3, "seed": -1, "layers": ["conv2", "conv5"], "fast": False}


def test_text_stays_text_where_text_is_wanted(small_book):
    assert settings(find_chapter(small_book, "second"), "default", [("profile", "1e3")]) == {"profile": "1e3"}


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("1e-3", 1e-3), ("None", None), ("null", None), ("True", True),
                                             ("[1, 2e-1]", [1, 0.2]), ("8/255", "8/255"), ("a: [", "a: [")])
def test_literals(text, value):
    assert literal(text) == value and type(literal(text)) is type(value)


@pytest.mark.parametrize(("name", "profile", "given", "said"), [
    ("frist", "default", [], "there is no chapter 'frist'; did you mean first?"),
    ("qqq", "default", [], "there is first, second"),
    ("first", "smok", [], "no profile 'smok'; did you mean smoke?"),
    ("first", "default", [("esp", "1")], "no parameter 'esp'; did you mean eps?"),
    ("first", "default", [("eps", "8/255")], r"eps of first takes a number \(as 0.5 is\), not '8/255'"),
    ("first", "default", [("eps", "true")], "eps of first takes a number"),
    ("first", "default", [("seed", "0.5")], "seed of first takes a whole number"),
    ("first", "default", [("seed", "true")], "seed of first takes a whole number"),
    ("first", "default", [("fast", "1")], "fast of first takes true or false"),
    ("first", "default", [("layers", "conv1")], "layers of first takes a list"),
    ("first", "default", [("layers", "[conv1, 2]")], "layers of first takes a list"),
])
def test_refusals(small_book, name, profile, given, said):
    with pytest.raises(Refused, match=said):
        settings(find_chapter(small_book, name), profile, given)


@pytest.mark.parametrize(("text", "said"), [
    ("epochz: 3\n", "no parameter 'epochz'"), ("eps: 1e-3\n", "smoke.yaml: eps of first takes a number"),
    ("profile: smokey\n", "calls its profile 'smokey'"), ("- eps\n", "must hold"), ("a: [\n", "is no YAML")])
def test_a_profile_is_checked_too(small_book, text, said):
    (small_book / "book/profiles/first/smoke.yaml").write_text(text)
    with pytest.raises(Refused, match=said):
        settings(find_chapter(small_book, "first"), "smoke")


@pytest.mark.parametrize(("source", "said"), [("eps = 8 / 255", "eps in the `parameters` cell is no plain literal"),
                                              ("eps = 1\nprint(eps)", "line 2"), ("eps =", "not Python")])
def test_the_parameters_cell_holds_literals_only(small_book, write, source, said):
    write(small_book / "book/part/01_first.ipynb", parameters=source)
    with pytest.raises(Refused, match=said):
        settings(find_chapter(small_book, "first"), "default")


def test_a_notebook_without_a_parameters_cell_is_refused(small_book):
    path = small_book / "book/part/01_first.ipynb"
    path.write_text(path.read_text().replace('"parameters"', '"other"'))
    with pytest.raises(Refused, match="no cell tagged `parameters`"):
        settings(find_chapter(small_book, "first"), "default")


def test_what_is_no_book_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAE_BOOK", str(tmp_path))
    with pytest.raises(Refused, match="is not the book"):
        find_root()
