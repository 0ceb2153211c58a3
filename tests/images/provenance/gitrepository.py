"""A git repository of list files, made by the tests with nothing of this host's configuration."""

import os
import subprocess
from pathlib import Path

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "init.defaultBranch=main")


def git(where: Path, *words: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    argv = ["git", *AUTHOR, *words]
    return subprocess.run(argv, cwd=where, env=env, check=True, capture_output=True, text=True).stdout.strip()


def make_git(where: Path, *files: Path, remote: str = "") -> str:
    """Make a repository of these files, or of all there are; return its commit."""
    git(where, "init", "--quiet")
    git(where, "add", "--", *(map(str, files) if files else ["."]))
    git(where, "commit", "--quiet", "--allow-empty", "-m", "lists")
    if remote:
        git(where, "remote", "add", "origin", remote)
    return git(where, "rev-parse", "HEAD")
