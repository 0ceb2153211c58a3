"""shell: run a shell, or a command, in a copy of the root tree of an image; the tree itself stays as it is.

The copy is an overlay that nobody else sees. When the program ends, what was changed is a value, and the copy is gone;
it goes also when we are killed. What is to stay is kept as a postinstall script of the osimage, never in the tree.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError, DefinitionError, NotFoundError
from sbkernel.files import made, write_whole
from sbkernel.images import rootimgdir
from sbkernel.images.families import family_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.shell.changes import NOISE, Changes, from_data
from sbkernel.images.shell.script import LIMIT_BYTES, script_of
from sbkernel.images.spec import attributes_of
from sbkernel.images.sync.view import Place, View
from sbkernel.images.tree.namespaces import PATH, check_isolation, clean
from sbkernel.jobs.command import module_environment, own_namespaces
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.jobs.spawn import Words, detach, spawn_here
from sbkernel.lists.lookup import directories
from sbkernel.packages import treefile
from sbkernel.site import Site

SHELLS = ("bin/bash", "bin/sh")
_COPY = ".shell-"
_GUARD = 'read -r _ <&"$1" || true; shift; for _ in 1 2 3 4 5; do "$@" && exit; done'
"""Waits until whoever holds the other end is gone, however that came about, and then removes the copy."""


@dataclass(frozen=True)
class Left:
    """What a shell has left: how it ended (negative: signal), and what was changed in its copy."""

    status: int
    changes: Changes


def shell(
    site: Site,
    image: str,
    command: Sequence[str] = (),
    *,
    stdin: int | IO[Any] | None = None,
    report: Report | None = None,
) -> Left:
    """Run a command in a copy of the tree of an image, a shell if there is none; return what it has changed.

    It reads what we read, or `stdin`, and writes where we write. It is root in the tree, has the network of this host
    and dies with us. Nobody builds or packs the image meanwhile. Raises NotFoundError for an image that has not been
    built, BuildError where there can be no namespaces.
    """
    attributes = attributes_of(site, image)
    built = RootimgDir(rootimgdir.checked(site, image, attributes))
    databases = family_of(attributes.get("osvers", "")).databases
    if not built.record():
        raise NotFoundError(f"image '{image}' has no root tree yet", hint=f"sb genimage {image}")
    check_isolation()
    with lock(built.path, "shell"), _copy(built, report or NullReport()) as view:
        status = _wait(view, _argv(built.tree, command), stdin)
        return Left(status, _changes(built.tree, view, databases))


def keep(site: Site, image: str, changes: Changes, file: str = "") -> Path:
    """Write what was changed as a script beside the site's lists, and make it the image's last postinstall script.

    `file` is a name there, or a full path; without one there is a new name. It is one change set, which `sb undo` takes
    back; the file stays. DefinitionError for a name that cannot be one or is taken, BuildError for what cannot be kept.
    """
    place = place_of(site, image, file)
    if not changes.kept:
        raise BuildError("there is nothing that a script could keep", hint="packages belong into the pkglist")
    text = script_of(changes, f"What was changed by sb shell in the image {image}.")
    write_whole(made(place.parent) / place.name, os.fsencode(text), mode=0o755)

    def added(before: dict[str, str]) -> dict[str, str]:
        return {"postinstall": ",".join(filter(None, [before.get("postinstall", ""), str(place)]))}

    try:
        site.change("osimage", {image: lambda before: added(dict(before))}, "shell")
    except BaseException:
        place.unlink()
        raise
    return place


def place_of(site: Site, image: str, file: str = "") -> Path:
    """Return where a script would be kept; DefinitionError for a name that cannot be one or is taken."""
    top = directories(site, attributes_of(site, image).get("osvers", ""))[0]
    names = [file] if file else [f"{image}.shell{number}.postinstall" for number in range(1, 1000)]
    places = [top / name for name in names]
    place = next((one for one in places if not os.path.lexists(one)), places[0])
    if ".." in place.parts or any(letter in ", \t\n" or not letter.isprintable() for letter in str(place)):
        raise DefinitionError(
            f"{place} cannot be a postinstall script: blanks and commas separate them there",
            hint="name another file, by its full path",
        )
    if os.path.lexists(place):
        raise DefinitionError(f"{place} is there already", hint="name another file")
    return place


@contextmanager
def _copy(built: RootimgDir, report: Report) -> Iterator[View]:
    """Yield a view of the tree that can be changed; nothing of it is left after the block, nor when we are killed."""
    clean(built.path, f"{_COPY}*")
    place = Place(built.path / f"{_COPY}{os.getpid()}", built.tree)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        own = [] if os.geteuid() == 0 else own_namespaces(as_root=False)
        removal = [*own, "rm", "--recursive", "--force", "--one-file-system", "--", str(place.path)]
        detach(["sh", "-c", _GUARD, "sh", str(reading), *removal], log=Path(os.devnull), pass_fds=[reading])
        with place.opened():
            yield place.make(report)
    finally:
        os.close(reading)
        os.close(writing)


def _argv(tree: Path, command: Sequence[str]) -> list[str]:
    """Return what runs in the tree."""
    if command:
        return list(command)
    found = next((one for one in SHELLS if treefile.find(tree, one)), None)
    if found is None:
        raise BuildError("the image has no shell", hint="sb shell IMAGE -- COMMAND runs another program")
    return [f"/{found}"]


def _wait(view: View, argv: Sequence[str], stdin: int | IO[Any] | None) -> int:
    """Run a program in the copy in our own process group, as what a terminal talks to must be; return its status."""
    scripts = resources.templates() / "image"
    env = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb")}
    alone: dict[str, str | None] = {**dict.fromkeys(os.environ), **env}
    words = [*view.within, "sh", scripts / "enter.sh", view.tree, "sh", scripts / "shell.sh", view.tree, *argv]
    with _foreground():
        process = spawn_here(words, env=alone, stdin=stdin, stdout=None, stderr=None, isolated=True, process_group=None)
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def _foreground() -> Iterator[None]:
    """Leave Ctrl-C to the program, and take the terminal back when it has ended."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGQUIT)} if _is_main() else {}
    for one in before:
        signal.signal(one, lambda *_: None)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if before and sys.__stdin__ and sys.__stdin__.isatty():
            ours = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            with suppress(OSError):
                os.tcsetpgrp(sys.__stdin__.fileno(), os.getpgrp())
            signal.signal(signal.SIGTTOU, ours)


def _is_main() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _changes(tree: Path, view: View, databases: tuple[str, ...]) -> Changes:
    """Return what has become of a tree in its copy."""
    overlay = (view.tree.parent / "upper").is_dir()
    where = view.tree.parent / "upper" if overlay else view.tree
    look = resources.templates() / "image" / "changes.py"
    how = "overlay" if overlay else "whole"
    try:
        seen: Words = [sys.executable, "-m", "sbkernel.images.shell.seen", tree, view.tree]
        packages = json.loads(view.run(seen, env=module_environment()).stdout)
        unkept = {"patterns": NOISE, "paths": packages["paths"] if packages["packages"] else []}
        words: Words = [sys.executable, "-I", look, tree, where, how, str(LIMIT_BYTES)]
        files = View(view.tree).run(words, input=json.dumps(unkept)).stdout
    except CommandError as error:
        raise BuildError(f"what was changed cannot be read:\n{error.tail}") from error
    return from_data({"files": json.loads(files), **packages}, databases)
