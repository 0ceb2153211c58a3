"""Nodes for tests: a real sshd that shows a small root, under several names; and a pretended ssh for very many."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from noderoot import BUSYBOX, program
from sshd import Sshd, sshd

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.netboot import bootlog
from sbkernel.site import Site

APPLETS = (
    "awk", "base64", "cat", "chmod", "chown", "cut", "date", "dd", "echo", "env", "grep", "head", "id", "ln", "ls",
    "mkdir", "mktemp", "mv", "cp", "od", "printf", "readlink", "rm", "sed", "seq", "sha256sum", "sleep", "sort", "stat",
    "tail", "tar", "tee", "touch", "tr", "true", "wc", "yes",
)  # fmt: skip


@dataclass(frozen=True)
class Fleet:
    """Nodes n1 to nN of a site, all of which show the same root."""

    site: Site
    root: Path
    server: Sshd

    def text(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()


@contextmanager
def fleet(site: Site, place: Path, size: int = 3) -> Iterator[Fleet]:
    """Let nodes run for a block."""
    tree = bare_root(place / "root")
    with sshd(site, "n1", tree, place / "sshd") as server:
        values = site.nodes["n1"].attributes
        key = bootlog.read(site, "n1")[-1]["hostkey"]
        for number in range(2, size + 1):
            site.set("node", f"n{number}", groups="all", vmsshport=values["vmsshport"])
            bootlog.append(site, f"n{number}", "userspace", hostkey=key)
        yield Fleet(site, tree, server)


def bare_root(tree: Path) -> Path:
    """Make a root with no more than busybox and a shell."""
    for name in ("usr/bin", "usr/lib", "usr/lib64", "root", "tmp", "run", "proc", "dev", "etc", "var/log"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    shutil.copy(BUSYBOX, tree / "usr/bin/busybox")
    for name in APPLETS:
        (tree / "usr/bin" / name).symlink_to("busybox")
    program(tree, "dash")
    for shell in {"/bin/sh", pwd.getpwuid(0).pw_shell}:  # that of root on this host, which is what sshd asks
        (tree / shell.lstrip("/")).symlink_to("/usr/bin/dash")
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\nstaff:x:50:\n")
    return tree


def pretend_ssh(monkeypatch: pytest.MonkeyPatch, place: Path, script: str) -> None:
    """Let `ssh` be a script of sh for which $host is the node, and its last argument the command."""
    place.mkdir()
    program = place / "ssh"
    program.write_text('#!/bin/sh\nfor word in "$@"; do host=$last; last=$word; done\nhost=${host#root@}\n' + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")


def sb(site: Site, *words: str, given: str = "") -> tuple[int, str, str]:
    """Run a verb; return its exit status and what it printed. Raises what the verb raises."""
    options = {"input": given, "prog_name": "sb", "standalone_mode": False}
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], **options)  # type: ignore[arg-type]
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout, done.stderr
