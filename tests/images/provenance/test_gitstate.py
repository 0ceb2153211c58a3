"""What git says of list files, whatever they are called and whoever they belong to."""

import os
import subprocess
from pathlib import Path

import pytest
from gitrepository import git, make_git
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.provenance.gitstate import git_states, without_login


def lists(where: Path, *names: bytes) -> list[Path]:
    made = [where / os.fsdecode(name) for name in names]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("bash\n")
    return made


def test_commit_changes_and_remote(tmp_path: Path) -> None:
    same, changed, new = lists(tmp_path, b"same.pkglist", b"sub/changed.pkglist", b"new.pkglist")
    commit = make_git(tmp_path, same, changed, remote="https://anna:hunter2@git.example.org/lists.git?token=x")
    changed.write_text("bash\nvim\n")
    remote = "https://git.example.org/lists.git"
    assert git_states([same, changed, new]) == {
        same: {"commit": commit, "dirty": False, "remote": remote},
        changed: {"commit": commit, "dirty": True, "remote": remote},
        new: {"commit": commit, "dirty": True, "remote": remote},
    }
    git(tmp_path, "add", ".")
    assert git_states([changed])[changed]["dirty"], "what is staged is not committed"
    git(tmp_path, "commit", "--quiet", "-m", "more")
    assert [state["dirty"] for state in git_states([same, changed, new]).values()] == [False] * 3
    (tmp_path / ".gitignore").write_text("*.own\n")
    [ignored] = lists(tmp_path, b"x.own")
    assert git_states([ignored])[ignored]["dirty"], "an ignored file is in no commit"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "ignore")
    lists(tmp_path, b"sub/compiled.own")
    below = tmp_path / "sub"
    assert [git_states([below], ignored=one)[below]["dirty"] for one in (True, False)] == [True, False]


def test_odd_names(tmp_path: Path) -> None:
    names = [b"a b\n.pkglist", b"*", b":(glob)x", b"-f", "\u00e4\u2028".encode(), b"not-\xff-utf8", b"'\"$(id)"]
    files = lists(tmp_path, *names)
    make_git(tmp_path)
    assert not any(state["dirty"] for state in git_states(files).values())
    for file in files:
        file.write_text("changed\n")
        states = git_states(files)
        assert [one for one in files if states[one]["dirty"]] == [file]
        file.write_text("bash\n")


def test_links_lead_to_the_repository_of_the_file(tmp_path: Path) -> None:
    [file] = lists(tmp_path / "repository", b"x.pkglist")
    commit = make_git(file.parent)
    (tmp_path / "link").symlink_to(file)
    assert git_states([tmp_path / "link"]) == {tmp_path / "link": {"commit": commit, "dirty": False, "remote": ""}}
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert git_states([tmp_path / "loop", tmp_path / "away/gone"]) == {}


def test_a_file_outside_any_repository_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [file] = lists(tmp_path, b"x.pkglist")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert git_states([file]) == {}


def test_no_commit_yet_and_another_worktree(tmp_path: Path) -> None:
    [file] = lists(tmp_path / "first", b"x")
    git(file.parent, "init", "--quiet")
    assert git_states([file]) == {file: {"commit": "", "dirty": True, "remote": ""}}
    commit = make_git(file.parent)
    git(file.parent, "worktree", "add", "--quiet", str(tmp_path / "second"))
    second = tmp_path / "second/x"
    assert git_states([second]) == {second: {"commit": commit, "dirty": False, "remote": ""}}


def test_what_git_will_not_or_cannot_tell_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [file, other] = lists(tmp_path, b"theirs/x", b"damaged/x")
    make_git(file.parent)
    subprocess.run(["chown", "--recursive", "nobody", file.parent], check=True)
    found = git_states([file])[file]
    assert set(found) == {"unknown"} and "dubious ownership" in str(found["unknown"])
    (other.parent / ".git").mkdir()
    assert "not a git repository" in str(git_states([other])[other]["unknown"])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/setpriv").symlink_to("/usr/bin/setpriv")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert git_states([file])[file] == {"unknown": "git not found"}


def test_the_repository_of_a_hook_and_its_programs_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [file] = lists(tmp_path / "mine", b"x")
    commit = make_git(file.parent)
    git(file.parent, "config", "core.fsmonitor", f"touch {tmp_path}/ran; true")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert git_states([file])[file]["commit"] == commit
    assert not (tmp_path / "ran").exists() and not list((file.parent / ".git").glob("*.lock"))


@given(st.text("abc:@/?=%.", max_size=30))
def test_no_login_stays_in_an_address(path: str) -> None:
    shown = without_login(f"https://user:secret@host/{path} bookworm main,/srv/x,http://a@b/c?token=secret")
    assert "secret" not in shown and shown.startswith("https://host/") and shown.count(",") == 2
