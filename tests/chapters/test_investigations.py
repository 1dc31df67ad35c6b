"""A claim that fails in the committed records is looked into in the book, at the heading that the claim names."""

import re

import nbformat
import pytest

from arae_book.chapters import all_chapters
from arae_book.profiles import profiles_of
from arae_core.results import load_claims, read_all, verdicts


@pytest.fixture(scope="module")
def claims(root):
    return load_claims(root / "book" / "claims.yaml")


def slug(heading):
    """As MyST makes an anchor of it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def headings(chapter):
    cells = nbformat.read(chapter.path, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return {slug(found) for text in texts for found in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)}


def test_every_claim_that_fails_is_investigated(root, claims):
    folders = sorted((root / "book" / "reference").glob("*/records"))
    fails = {claim.id for folder in folders for records in [read_all(folder)] for claim in claims
             for verdict in verdicts(claim, records) if verdict.outcome == "fails"}
    assert fails
    assert fails - {claim.id for claim in claims if claim.investigation} == set()


def test_claims_name_chapters_profiles_and_headings_that_exist(root, claims):
    chapters = all_chapters(root)
    for claim in claims:
        if claim.investigation:
            name, _, heading = claim.investigation.partition("#")
            assert heading in headings(chapters[name]), claim.id
        assert claim.chapter in chapters, claim.id
        assert set(claim.profiles or ()) <= set(profiles_of(claim.chapter, root)), claim.id
