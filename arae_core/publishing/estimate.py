"""How long it will take, said before it begins: a committed cost record, carried here by the two machines' speeds.

The speeds are those of a probe (`probe.py`), so this is a rough word, "about 3 minutes", and no promise: what else
the machine does, and arithmetic that the probe does not do, are not in it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from . import probe
from .chapters import Chapter
from .cost_tables import total
from .costs import Cost, CostError, clock, machine_text, recorded


def announce(chapters: Sequence[Chapter], profile: str, *, given: bool = False, points: int = 1,
             elsewhere: bool = False, speed: Callable[[], float | None] = probe.speed_here,
             say: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True)) -> None:
    """Say in one line what running these chapters takes; nothing under ARAE_ESTIMATE=off, or for no chapter.

    given: whether parameters beyond the profile's are set. points: how often each chapter runs (a sweep).
    elsewhere: on other machines, of which nothing is known. speed: measures this machine.
    """
    if not chapters or not probe.wanted():
        return
    if elsewhere:
        say("no estimate: the runs take place on other machines")
        return
    here = speed()
    try:
        costs = recorded(chapters[0].root)
    except CostError as error:
        say(f"no estimate: {error}")
        return
    say(estimate(chapters, profile, costs, here, points)
        + ("; this is for the profile as it stands, without the parameters given" if given else ""))


def estimate(chapters: Sequence[Chapter], profile: str, costs: Sequence[Cost], here: float | None,
             points: int = 1) -> str:
    """The line. costs: the records there are; here: this machine's speed, None if it could not be measured."""
    found = {chapter.name: nearest([c for c in costs if (c.chapter, c.profile) == (chapter.name, profile)], here)
             for chapter in chapters}
    known = [cost for cost in found.values() if cost]
    absent = [name for name, cost in found.items() if not cost]
    if not known:
        return f"no estimate: nobody has recorded a run of profile {profile} ({', '.join(absent)})"
    there, ours = total(known), total(scaled(cost, here) for cost in known)
    times = f"{points} points, one after another: " if points > 1 else ""
    if len(chapters) > 1:
        times += f"{len(known)} of {len(chapters)} chapters: " if absent else f"{len(known)} chapters: "
    without = f"; not counted, for lack of a record: {', '.join(absent)}" if absent else ""
    machines = "; ".join(sorted({machine_text(cost) for cost in known}))
    return f"{times}{_both(*(points * seconds for seconds in ours), points)} (recorded: {machines}, " \
           f"{clock(points * there[0])}; {_compared(known, there, ours, here)}){without}"


def nearest(costs: Sequence[Cost], here: float | None) -> Cost | None:
    """The record of the machine that is most like one of this speed; the newest, where that is not known."""
    def distance(cost: Cost) -> tuple[float, str]:
        return (abs(math.log(cost.speed / here)) if cost.speed and here else math.inf), cost.created

    newest_first = sorted(costs, key=lambda cost: cost.created, reverse=True)
    return min(newest_first, key=lambda cost: distance(cost)[0], default=None)


def scaled(cost: Cost, here: float | None) -> Cost:
    """The cost on a machine of speed `here`; as it is where either was not measured."""
    if not (cost.speed and here):
        return cost
    factor = cost.speed / here
    models = [{**model, "trained": model["trained"] * factor, "spent": model["spent"] * factor}
              for model in cost.models]
    return replace(cost, seconds=cost.seconds * factor, models=models)


def about(seconds: float) -> tuple[str, str]:
    """A number and its unit, no more precise than an estimate can be: ("3", "minutes")."""
    if seconds < 55:
        return str(max(10, round(seconds / 10) * 10)), "seconds"
    if seconds < 89.5 * 60:
        minutes = max(1, round(seconds / 60))
        return str(minutes), "minute" if minutes == 1 else "minutes"
    hours = seconds / 3600
    if hours < 47.5:
        return (f"{hours:.1f}".removesuffix(".0") if hours < 9.95 else f"{hours:.0f}"), "hours"
    return f"{hours / 24:.0f}", "days"


def _both(kept: float, nothing: float, points: int) -> str:
    (first, unit), (second, other) = about(kept), about(nothing)
    if (first, unit) == (second, other):
        return f"about {first} {unit} on this machine"
    shared = " at each" if points > 1 else ""
    second = second if other.rstrip("s") == unit.rstrip("s") else f"{second} {other}"
    return (f"about {first} {unit} on this machine with its models kept, about {second} if all are "
            f"trained{shared}")


def _compared(known: Sequence[Cost], there: tuple[float, float], ours: tuple[float, float],
              here: float | None) -> str:
    if not here or not all(cost.speed for cost in known):
        return "the machines' speeds could not be compared"
    ratio = there[1] / ours[1] if ours[1] else 1.0
    times = f" {ratio:.2g} times" if f"{ratio:.1f}" != "1.0" else ""
    return f"this machine is{times} as fast"
