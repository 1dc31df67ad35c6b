import subprocess

import torch

from arae_core.results import machine


def test_commit_of_this_checkout_only_versions_and_device(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    monkeypatch.setattr(machine, "__file__", str(tmp_path / "machine.py"))
    assert machine.code_state() == (None, None)
    (tmp_path / "machine.py").write_text("1")
    git("init", "-q")
    assert machine.code_state() == (None, None)  # in a repository, but not one that holds the package
    git("add", "machine.py")
    git("commit", "-q", "-m", "a")
    commit, dirty = machine.code_state()
    assert len(commit) == 40 and dirty is False
    (tmp_path / "machine.py").write_text("2")
    assert machine.code_state() == (commit, True)
    monkeypatch.setenv("PATH", "")  # no git
    assert machine.code_state() == (None, None)
    versions = machine.installed_versions()
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0] and "python" in versions
    assert machine.describe_device("cpu").startswith("cpu: ")
