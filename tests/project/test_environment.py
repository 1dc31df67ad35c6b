"""environment.yml, pyproject.toml and constraints.txt say the same, and what they say can be installed."""

import re
import subprocess
import tomllib

import pytest
import yaml


def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def requirements(root):
    listed = project(root)
    return listed["dependencies"] + [line for extra in ("book", "test") for line in listed["optional-dependencies"][extra]]


def conda(root):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    pip = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    return [part for part in environment["dependencies"] if isinstance(part, str)], pip[0]


def name(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def test_the_conda_environment_has_the_packages_and_pythons_that_pyproject_lists(root):
    packages, pip = conda(root)
    assert pip == [*requirements(root), "-e ."]
    assert project(root)["requires-python"] == ">=3.11"
    assert packages == ["python >=3.11,<3.13", "pip"]


def test_each_requirement_has_its_constraint_without_index_hash_or_path(root):
    text = (root / "constraints.txt").read_text()
    lines = [line for line in text.splitlines() if line[0] != "#"]
    pinned = {name(line) for line in lines}
    assert all(re.match(r"[\w.-]+==[\w.]+( ;|$)", line) for line in lines)
    assert {name(line) for line in requirements(root)} <= pinned
    assert not re.search(r"https?:|file:|--|@|sha256| /", text)


@pytest.mark.install
def test_the_pip_part_of_the_conda_environment_installs(root, uv, roomy_folder, clean_environ):
    _, pip = conda(root)
    python = roomy_folder / "bin" / "python"
    listed = roomy_folder / "requirements.txt"
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", roomy_folder], check=True)
    listed.write_text("\n".join([*pip[:-1], str(root)]) + "\n")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-c", root / "constraints.txt",
                    "-r", listed], check=True)
    subprocess.run([uv, "pip", "check", "--quiet", "--python", python], check=True)
    there = dict(cwd=roomy_folder, env=clean_environ, check=True, capture_output=True, text=True)
    look = [python, "-c", "import torchvision, arae_core; print(arae_core.__file__)"]
    assert subprocess.run(look, **there).stdout.startswith(str(roomy_folder))
    subprocess.run([roomy_folder / "bin" / "arae", "--help"], **there)
