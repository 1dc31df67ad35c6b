"""`arae reference`: makes the reference runs that are missing and collects what they leave into `book/reference/`.

Of each run first the long training, without a notebook and in a process of its own; then the notebook, which finds
those models, into the run's folder in the store; then what is to be kept is copied. A command that was stopped goes on
with the same words, and a run whose folder is whole already, whoever made it, is collected as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from . import execute
from .chapters import Refused
from .child import run_arae
from .execute import RunFailed, alone, environment, writable
from .reference_collect import collect, finished, model_file
from .reference_plan import Step, absent_data, plan, table
from .reference_runs import ReferenceRun, reference_runs

Say = Callable[[str], object]


def reference(root: Path, names: Iterable[str], profile: str, *, seeds: Iterable[int] = (), only_plan: bool = False,
              say: Say = print) -> None:
    """Make and collect those of the profile's runs that are not done, of these chapters and seeds, or of all.

    only_plan: say what is missing and how long it will take, and stop. Refused as by `reference_runs`; RunFailed, after
    the others, when a run failed or something of it could not be kept.
    """
    names = list(names)
    steps = plan(reference_runs(root, profile, names, seeds), root, named=bool(names))
    for line in table(steps):
        say(line)
    if only_plan:
        return
    wanted = [step for step in steps if step.wanted]
    failed = []
    for number, step in enumerate(wanted, start=1):
        title = f"[{number}/{len(wanted)}] {step.run.title}"
        say(f"{title}: begins")
        problems = _made(step, say)
        for problem in problems:
            say(f"{title}: failed: {problem}")
        failed += [step.run.title] if problems else []
    if failed:
        raise RunFailed(f"{len(failed)} of {len(wanted)} runs failed: {'; '.join(failed)}; the same command tries "
                        "those again")


def _made(step: Step, say: Say) -> list[str]:
    """Make the run and collect it; what went wrong, in a line each."""
    run = step.run
    try:
        folder = writable(run.folder)
        with alone(folder / ".reference.lock", f"`arae reference` is making {run.title}", "wait for it"):
            if not finished(run):
                if why := absent_data(run) or _trained(run, say):
                    return [why]
                if lacking := [name for name in ("papermill", "ipykernel") if not find_spec(name)]:
                    say(f"{run.title}: trained; its notebook needs {' and '.join(lacking)}, not installed here. Where "
                        "that is, the same command goes on from here")
                    return []
                _clear(folder)
                execute.run(run.chapter, run.settings, folder, title=run.title)
                if not finished(run):
                    return [f"its notebook left no records of its parameters in {folder / 'records'}"]
            elif not all(model_file(run, title).is_file() for title in run.models):
                if why := absent_data(run) or _trained(run, say):
                    return [why]
            problems = collect(run, say)
            say(f"{run.title}: collected into {run.kept}")
            return problems
    except (RunFailed, Refused, OSError) as error:
        return [" ".join(str(error).split())]


def _trained(run: ReferenceRun, say: Say) -> str:
    """Find or train its models; "" or why that failed. Chapters without a recipe leave it to their notebook."""
    from arae_core.training.recipes import CHAPTERS

    if run.chapter.name not in CHAPTERS:
        return ""
    log = run.folder / "train.log"
    say(f"{run.title}: training, see {log}")
    words = ["train", *run.words] + (["--out", str(run.folder / "models")] if run.models else [])
    bars = {"TQDM_DISABLE": "", "TQDM_MININTERVAL": "10"}  # seconds: a line of the log for each
    return run_arae(words, log, environment(run.folder, run.chapter.root) | bars)


def _clear(folder: Path) -> None:
    """Remove what an earlier run left, lest its records be taken for this one's."""
    for name in ("records", "pictures", "costs"):
        shutil.rmtree(folder / name, ignore_errors=True)
