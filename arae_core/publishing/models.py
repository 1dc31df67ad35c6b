"""`arae models`: the reference models with their cards, as a list, one whole, or on the page "Models"."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from .chapters import Refused, nearest
from .cost_tables import table
from .execute import RunFailed

if TYPE_CHECKING:  # torch takes seconds to import
    from arae_core.results import Record
    from arae_core.training import ModelCard

HEAD = ("model", "architecture", "data", "attack", "measured", "size", "SHA-256", "where")


@dataclass(frozen=True)
class Listed:
    """A reference model: its card (None: it has none), and where its weights are, or what is wrong with them."""

    title: str
    card: ModelCard | None
    where: str
    damaged: bool = False


def list_models(root: Path, say: Callable[[str], None]) -> None:
    """Say a line for each model. RunFailed, when all are said, if one is damaged, or for a card that cannot be read."""
    found = models(root)
    if not found:
        return say(f"no models under {_reference(root)}")
    with _explained():
        rows = [HEAD, *(_row(its, root) for its in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    _refuse_damage(found)


def show_model(root: Path, name: str, say: Callable[[str], None]) -> None:
    """Say one card whole, with the values of its measures. name: "robust-encoder" or "cifar10/robust-encoder".

    Raises Refused for a name that no model or more than one has, RunFailed if it is damaged.
    """
    every = models(root)
    found = [its for its in every if name in (its.title, its.title.split("/")[1])]
    if not found:
        raise Refused(f"there is no model {name!r}{nearest(name, [its.title for its in every])}")
    if len(found) > 1:
        raise Refused(f"{name!r} is one of {', '.join(its.title for its in found)}: name the profile as well")
    (its,) = found
    if its.card is None:
        raise Refused(f"{its.title} is {its.where}")
    with _explained():
        say(_whole(its.card, root) + f"where: {its.where}")
    _refuse_damage(found)


def write_cards(root: Path) -> list[Path]:
    """Make the card of each checkpoint that is here; return those that changed. A card whose file is gone stays.

    Raises RunFailed, with the path, for a checkpoint that no card can be made of; then nothing is written.
    """
    from arae_core.results import card_of, write_whole

    with _explained():
        cards = {path.with_suffix(".yaml"): card_of(path).text() for path in _files(root)}
    changed = [path for path, text in cards.items() if not path.is_file() or path.read_text("utf-8") != text]
    return [write_whole(path, cards[path].encode()) for path in changed]


def models(root: Path, *, check: bool = True) -> list[Listed]:
    """Every file and card under `book/reference/*/models`, by profile and name.

    check: whether files are compared with their cards, and $ARAE_MODELS is looked at: what is of this machine and not
    of the checkout. RunFailed, with the path, for a card that cannot be read.
    """
    from arae_core.training import model_cards

    with _explained():
        cards = {card.title: card for card in model_cards(_reference(root))}
    files = {f"{path.parents[1].name}/{path.stem}": path for path in _files(root)}
    return [_listed(title, cards.get(title), files.get(title), check) for title in sorted(cards.keys() | files.keys())]


def models_page(root: Path) -> str:
    """Markdown: the table, and each card to unfold. Raises CardError for a record that is not there."""
    from arae_core.results.tables import escape

    found = [its for its in models(root, check=False) if its.card is not None]
    if not found:
        return "There are no models.\n"
    rows = [[escape(cell) for cell in _row(its, root)] for its in found]
    lines = [table([HEAD, [":--"] * len(HEAD), *rows]), ""]
    for its in found:
        lines += [f":::{{dropdown}} {its.title}", "```yaml", _whole(its.card, root).rstrip(), "```", ":::", ""]
    return "\n".join(lines)


@contextmanager
def _explained() -> Iterator[None]:
    """What is wrong with a card, checkpoint or record ends the command with one line."""
    from arae_core.results import RecordError
    from arae_core.training import CheckpointError

    try:
        yield
    except (CheckpointError, RecordError) as error:
        raise RunFailed(str(error)) from error


def _listed(title: str, card: ModelCard | None, path: Path | None, check: bool) -> Listed:
    if card is None:
        return Listed(title, None, "without a card: arae models --write")
    if path is None:
        base = os.environ.get("ARAE_MODELS") if check else None
        return Listed(title, card, base or card.address or "not here, no address")
    fault = card.fault(path) if check else None
    return Listed(title, card, f"damaged: {fault}" if fault else "here", damaged=bool(fault))


def _refuse_damage(found: Iterable[Listed]) -> None:
    damaged = [its.title for its in found if its.damaged]
    if damaged:
        raise RunFailed(f"damaged, or changed since their cards were written: {', '.join(damaged)}; take the files "
                        "from the repository again, or, if they are meant, `arae models --write`")


def _row(its: Listed, root: Path) -> list[str]:
    card = its.card
    if card is None:
        return [its.title, *[""] * (len(HEAD) - 2), its.where]
    data = card.data["name"] + (f" ({card.data['notes']})" if card.data["notes"] else "")
    return [card.title, _architecture(card), data, f"{card.norm}, {card.eps:g}" if card.norm else "none",
            _measured(card, _record(card, root)), f"{card.bytes / 1e6:.2f} MB", card.sha256[:8], its.where]


def _architecture(card: ModelCard) -> str:
    if card.role == "generator":
        return f"{card.architecture} of {card.encoder} at {card.layer}"
    a = card.arguments
    return f"{card.architecture}, {a['image_size']} px, {a['num_classes']} classes, width {a['width']:g}"


def _measured(card: ModelCard, record: Record | None) -> str:
    """"accuracy (%) clean 58.6, pgd 44.6"; the record's numbers as the tables show them."""
    from arae_core.results import measure

    if record is None:
        return "not measured"
    by_metric: dict[str, list[str]] = {}
    for name in card.measures:
        metric, _, *condition = name.split("/")
        kind = measure(metric)
        value = f"{record.metrics[name]['value'] * kind.scale:.{kind.decimals}f}"
        by_metric.setdefault(kind.label, []).append(" ".join([*condition, value]))
    if card.role == "generator":  # a generator was trained by one set of losses: no need to name it each time
        return ", ".join(f"{label} {values[0].split()[-1]}" for label, values in by_metric.items())
    return "; ".join(f"{label} {', '.join(values)}" for label, values in by_metric.items())


def _whole(card: ModelCard, root: Path) -> str:
    """The card as YAML, each measure with its mean, standard deviation over images and number of images."""
    record = _record(card, root)
    content = asdict(card)
    if record is not None:
        content["measures"] = {name: record.metrics[name] for name in card.measures}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)


def _record(card: ModelCard, root: Path) -> Record | None:
    from arae_core.results import record_of

    return record_of(card, _reference(root))


def _files(root: Path) -> list[Path]:
    return sorted(_reference(root).glob("*/models/*.safetensors"))


def _reference(root: Path) -> Path:
    return root / "book" / "reference"
