"""Work on a root tree from outside and inside: copy, remove, run; always in own namespaces, as root or as a user."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.tree.emulation import emulated_in
from sbkernel.jobs.run import Completed, run
from sbkernel.jobs.spawn import Words

# What a program inside the tree gets of our environment: nothing.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = (f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8")


def scripts_environment(more: Mapping[str, str]) -> dict[str, str | None]:
    """Return the environment in which packages are installed: `more`, and nothing of ours that a script could use."""
    return {**dict.fromkeys(os.environ), "PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **more}


def check_isolation() -> None:
    """Raise BuildError if this user cannot have namespaces to build in."""
    try:
        run(["true"], isolated=True)
    except CommandError as error:
        raise BuildError(
            f"no namespaces to build in: {error.tail}",
            hint="build as root, or let root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
        ) from error


def copy_tree(source: Path, target: Path) -> None:
    """Copy a tree with owners, ACLs and capabilities; on file systems that can, blocks are shared (cp --reflink)."""
    run(["cp", "--archive", "--reflink=auto", "--", source, target], isolated=True)


def remove_tree(path: Path) -> None:
    """Remove a tree that may hold other users' files, or a file; nothing happens if there is none."""
    # For a file, or an empty directory, no program is needed.
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):
        path.rmdir()
    if os.path.lexists(path):
        run(["rm", "--recursive", "--force", "--one-file-system", "--", path], isolated=True)


def stamp(tree: Path, epoch: int) -> None:
    """Date everything newer than `epoch` (seconds) back to it, so that the same build gives the same bytes any day."""
    touch = ["-exec", "touch", "--no-dereference", f"--date=@{epoch}", "--", "{}", "+"]
    run(["find", tree, "-xdev", "-newermt", f"@{epoch}", *touch], isolated=True)


def written(tree: Path, epoch: int) -> bytes:
    """Return what tells apart the files and links that are newer than `epoch`: names and sums, and where links lead."""
    newer = ["find", ".", "-xdev", "-newermt", f"@{epoch}"]
    sums = [*newer, "-type", "f", "-exec", "sha256sum", "-z", "--", "{}", "+"]
    found = (
        run(argv, cwd=tree, isolated=True).stdout for argv in (sums, [*newer, "-type", "l", "-printf", "%p %l\\0"])
    )
    return "\0".join(sorted("".join(found).split("\0"))).encode(errors="surrogateescape")


def clean(directory: Path, pattern: str) -> None:
    """Remove what killed runs have left: the entries of a directory that match a glob pattern."""
    for leftover in sorted(directory.glob(pattern)):
        remove_tree(leftover)


def enter(
    tree: Path,
    argv: Words,
    *,
    env: Mapping[str, str | None] | None = None,
    input: str | bytes | None = None,  # noqa: A002 - the name that run() has
    on_line: Callable[[str], None] | None = None,
    before: Words | None = None,
) -> Completed:
    """Run a program of the host with /proc, /sys, /dev and an empty /run mounted in the tree, seen by it alone.

    `before` begins the argv: the program that makes the tree what it is to be, and what lets its programs run here if
    they are for another machine; None: what the tree that is there needs for that.
    """
    script = resources.templates() / "image" / "enter.sh"
    before = emulated_in(tree) if before is None else before
    return run([*before, "sh", script, tree, *argv], env=env, input=input, on_line=on_line, isolated=True)


def alone(tree: Path) -> list[str]:
    """Return the argv prefix for what enters a tree: /proc there shows no process that is outside of it.

    Of one that is, /proc/PID/root is a link to the root of this host, which is followed in a chroot, too (proc(5)).
    """
    return ["unshare", "--pid", "--fork", "--kill-child", f"--mount-proc={tree}/proc", "--"]


def inside(
    tree: Path,
    argv: Sequence[str],
    *,
    input: str | bytes | None = None,  # noqa: A002 - the name that run() has
    on_line: Callable[[str], None] | None = None,
    before: Words | None = None,
) -> Completed:
    """Run a program of the tree in the tree: no path, not even through a link, leads out."""
    command = [*alone(tree), "env", "-i", *ENVIRONMENT, "chroot", str(tree), *argv]
    return enter(tree, command, input=input, on_line=on_line, before=before)
