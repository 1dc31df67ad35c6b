"""What is left of a profile's reference runs, what each needs, and how long it will take on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from arae_core.store import store_dir

from . import probe
from .cost_tables import total
from .costs import Cost, CostError, all_recorded
from .estimate import about, nearest, scaled
from .parameters import defaults
from .reference_collect import finished
from .reference_runs import ReferenceRun, committed_records

GPU = "left for a machine with a GPU"


def has_gpu() -> bool:
    """Whether torch sees one."""
    import torch

    return torch.cuda.is_available()


@dataclass(frozen=True)
class Step:
    """A run and what is to be done about it."""

    run: ReferenceRun
    lacks: str  # "": nothing, it is done
    ready: bool  # whether it is made already, and has only to be collected
    left: str  # why it is left out, or ""
    cost: Cost | None  # of it, or of its whole profile, on this machine; None: nobody has recorded one

    @property
    def wanted(self) -> bool:
        return bool(self.lacks) and not self.left

    @property
    def takes_time(self) -> bool:
        return self.wanted and not self.ready

    @property
    def state(self) -> str:
        if not self.lacks:
            return "done"
        return f"{self.lacks}; {self.left or 'made already, to be collected' * self.ready}".removesuffix("; ")


def plan(runs: Sequence[ReferenceRun], root: Path, named: bool) -> list[Step]:
    """A step for each run of one profile. named: whether their chapters were, which overrules the lack of a GPU."""
    committed = committed_records(root, runs[0].profile) if runs else []
    missing = {run.name: run.lacks(committed) for run in runs}
    try:
        costs = all_recorded(root)
    except CostError:
        costs = []
    here = probe.speed_here() if any(missing.values()) and probe.wanted() else None
    without = not named and any(run.needs_gpu and missing[run.name] for run in runs) and not has_gpu()
    steps = []
    for run in runs:
        ready = bool(missing[run.name] and finished(run))
        left = GPU if missing[run.name] and not ready and run.needs_gpu and without else ""
        steps.append(Step(run, missing[run.name], ready, left, cost_of(run, costs, here)))
    return steps


def cost_of(run: ReferenceRun, costs: Sequence[Cost], here: float | None) -> Cost | None:
    """The recorded cost of such a run on this machine, models in the store left out; the profile's if there is none."""
    own = [cost for cost in costs if (cost.chapter, cost.profile) == (run.chapter.name, run.profile)]
    for given in (run.given, {}):
        alike = [c for c in own if {name: its for name, its in c.given.items() if name != "seed"} == given]
        if cost := nearest(alike, here):
            break
    else:
        return None
    usual = {**defaults(run.chapter), **run.chapter.profile(run.profile)}.get("seed")
    same_seed = cost.given.get("seed", usual) == run.seed
    return replace(scaled(cost, here), models=[
        {**model, "name": f"{model['name']}, seed {run.seed}",  # total() counts a name once, and seeds share none
         "trained": 0.0 if same_seed and _in_store(model["name"]) else model["trained"]}
        for model in scaled(cost, here).models])


def table(steps: Sequence[Step]) -> list[str]:
    """A line for each run, and the total."""
    width = max((len(step.run.title) for step in steps), default=0)
    lines = [f"{step.run.title:<{width}}  {step.state}" + (f"; {_time([step])}" if step.takes_time else "")
             for step in steps]
    left, done = [step for step in steps if step.takes_time], sum(not step.lacks for step in steps)
    return [*lines, f"{done} of {len(steps)} runs are done" + (f", {len(left)} to make: {_time(left)}" if left else "")]


def absent_data(run: ReferenceRun) -> str:
    """Why the run cannot find its data here, in one line, or ""."""
    from arae_core.data import MissingDataError, available, picture_files

    parameters, there = {**defaults(run.chapter), **run.settings}, available()
    for name, value in parameters.items():
        if name.endswith("dataset") and value in there and value != "photos" and not Path(there[value]).exists():
            return f"{value} is not here ({there[value]}): `arae doctor` says what is"
    for folder in parameters.get("pictures", []):
        try:
            if folder != "photographs":
                picture_files(folder)
        except MissingDataError as error:
            return " ".join(str(error).split())
    return ""


def _time(steps: Sequence[Step]) -> str:
    """Of networks that several chapters share, each counts once."""
    known = [step.cost for step in steps if step.cost]
    without = len(steps) - len(known)
    if not known:
        return "no estimate"
    times = f"at most about {' '.join(about(total(known)[1]))}"
    return times + (f", and {without} without an estimate" if without else "")


def _in_store(name: str) -> bool:
    return (store_dir() / "models" / f"{name}.safetensors").is_file()
