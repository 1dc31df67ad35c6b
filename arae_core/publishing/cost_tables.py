"""Time and memory in the book: a box on each chapter's page, and all of them in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .chapters import DEFAULT, Chapter
from .costs import Cost, clock, machine_text

SCALES = ("smoke", DEFAULT, "cifar10", "tiny-imagenet", "paper")  # small to large
_HEAD = ["profile", "machine", "models kept", "from nothing", "peak memory"]
_ALIGN = [":--", ":--", "--:", "--:", "--:"]
_MEANING = ("Minutes and seconds. Models kept: every network is in the store already. From nothing: with the training "
            "of all of them, which each took when it was trained.")


def in_order(profiles: Iterable[str]) -> list[str]:
    """Profiles from small scale to large, then those of single chapters by name."""
    present = set(profiles)
    return [*(p for p in SCALES if p in present), *sorted(present.difference(SCALES))]


def box(chapter: Chapter, costs: Iterable[Cost]) -> str:
    """The admonition for the chapter's page: a row for each profile and machine, and the profiles without one."""
    own = [cost for cost in costs if cost.chapter == chapter.name]
    body = [table([_HEAD, _ALIGN, *map(_row, _sorted(own))]), "", _MEANING, ""] if own else []
    absent = [p for p in in_order(chapter.profiles()) if p not in {cost.profile for cost in own}]
    if absent:
        body += [f"Not measured: {', '.join(f'`{p}`' for p in absent)}."]
    return "\n".join([":::{admonition} Time and memory", ":class: note", "", *body, ":::"])


def overview(chapters: Sequence[Chapter], costs: Sequence[Cost]) -> str:
    """One table of all chapters, and what the whole book takes where every chapter has a record."""
    rows = [["chapter", *_HEAD], [":--", *_ALIGN]]
    for chapter in chapters:
        own = _sorted(cost for cost in costs if cost.chapter == chapter.name)
        rows += [[chapter.name, *_row(cost)] for cost in own] or [[chapter.name, "", "not measured", "", "", ""]]
    return "\n".join([table(rows), "", _MEANING, *_whole_book(chapters, costs)]) + "\n"


def _whole_book(chapters: Sequence[Chapter], costs: Sequence[Cost]) -> list[str]:
    """A sentence for each profile and machine that has all chapters. Chapters share networks; each counts once."""
    lines = []
    for profile in in_order(cost.profile for cost in costs):
        of_profile = [cost for cost in costs if cost.profile == profile]
        for machine in sorted({machine_text(cost) for cost in of_profile}):
            one_each = {cost.chapter: cost for cost in of_profile if machine_text(cost) == machine}
            if one_each.keys() >= {chapter.name for chapter in chapters}:
                kept, nothing = total(one_each[chapter.name] for chapter in chapters)
                lines += ["", f"The whole book at `{profile}` ({machine}): {clock(kept)} with its models kept, "
                              f"{clock(nothing)} from nothing, since chapters share networks."]
    return lines


def total(costs: Iterable[Cost]) -> tuple[float, float]:
    """Seconds of several runs, one after another: with the models kept, and from nothing, each model once."""
    kept, training = 0.0, {}
    for cost in costs:
        kept += cost.kept
        training |= cost.training
    return kept, kept + sum(training.values())


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the head, the alignment, the rest."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(cost: Cost) -> list[str]:
    return [f"`{cost.profile}`", machine_text(cost), clock(cost.kept), clock(cost.from_nothing), _memory(cost)]


def _memory(cost: Cost) -> str:
    """Of the process, and on a GPU of that as well."""
    text = "not measured" if cost.memory is None else f"{cost.memory:.1f} GiB"
    return text if cost.gpu_memory is None else f"{text}, GPU {cost.gpu_memory:.1f} GiB"


def _sorted(costs: Iterable[Cost]) -> list[Cost]:
    costs = list(costs)
    order = in_order(cost.profile for cost in costs)
    return sorted(costs, key=lambda cost: (order.index(cost.profile), machine_text(cost)))
