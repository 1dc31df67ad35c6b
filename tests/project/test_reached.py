"""Every file of arae_core is there for a chapter: what chapters import, and what that imports.

`from arae_core.losses import gram_loss` reaches the file that defines `gram_loss`, and what that file imports, also
within its functions. That a package's `__init__` exports a name reaches nothing.
"""

from __future__ import annotations

import ast
from importlib.util import resolve_name
from pathlib import Path

import nbformat

from arae_book.chapters import all_chapters

MOST = 5


def test_few_files_serve_no_chapter(root, capsys):
    reached = files_reached(root)
    unreached = sorted(path for path in all_files(root) if path not in reached)
    with capsys.disabled():
        print(f"\n{len(unreached)} files of arae_core that no chapter reaches:", *unreached, sep="\n  ")
    assert len(reached) > 40 and len(unreached) <= MOST, unreached


def test_what_an_init_exports_is_not_reached_by_that(root):
    """Else the measure would say nothing: each package's `__init__` names all its files."""
    source = "from arae_core.losses import gram_loss"
    assert closure(root, source) == {"arae_core/losses/gram.py"}
    assert "arae_core/attacks/balls.py" in closure(root, "from arae_core import attacks\nattacks.pgd")
    assert "arae_core/attacks/auto.py" not in closure(root, "from arae_core import attacks\nattacks.pgd")


def all_files(root: Path) -> list[str]:
    found = (root / "arae_core").rglob("*.py")
    return [path.relative_to(root).as_posix() for path in found if path.name != "__init__.py"]


def files_reached(root: Path) -> set[str]:
    """From the chapters' code, and from what they ask of the press: settings and the pair."""
    reached: set[str] = set()
    for chapter in all_chapters(root).values():
        cells = nbformat.read(chapter.path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code" and not cell.source.startswith("%"))
        reached |= closure(root, code)
    for module in ("profiles", "pair", "chapters"):
        reached |= closure(root, (root / "arae_book" / f"{module}.py").read_text())
    return reached


def closure(root: Path, source: str) -> set[str]:
    """The files that define what the code uses of arae_core, and what those use."""
    found: set[str] = set()
    waiting = uses(root, ast.parse(source), "")
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            package = ".".join(Path(file).with_suffix("").parts[:-1])
            waiting |= uses(root, ast.parse((root / file).read_text()), package) - found
    return found


def uses(root: Path, tree: ast.Module, package: str) -> set[str]:
    """The files behind the imports of a module in `package`; of a package imported whole, behind the names used of it."""
    found: set[str] = set()
    whole: dict[str, str] = {}  # the name in the code, and the package
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package or "arae_book")
            if base.split(".")[0] == "arae_core":
                for alias in node.names:
                    module = f"{base}.{alias.name}"
                    if is_package(root, module):
                        whole[alias.asname or alias.name] = module
                    else:
                        found |= defining(root, base, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("arae_core"):
                    found |= file_of(root, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            found |= defining(root, whole[node.value.id], node.attr)
    return found


def is_package(root: Path, module: str) -> bool:
    return (root / module.replace(".", "/") / "__init__.py").is_file()


def file_of(root: Path, module: str) -> set[str]:
    path = module.replace(".", "/") + ".py"
    return {path} if (root / path).is_file() else set()


def defining(root: Path, module: str, name: str) -> set[str]:
    """The file in which `name` of `module` is defined: the module's own, a submodule, or where an `__init__` has it from."""
    if own := file_of(root, f"{module}.{name}") or file_of(root, module):
        return own
    if not is_package(root, module):
        return set()
    tree = ast.parse((root / module.replace(".", "/") / "__init__.py").read_text())
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == name:
                base = resolve_name("." * node.level + (node.module or ""), module)
                return defining(root, base, alias.name)
    return set()
