"""The process that builds in the view of another site: `python -m sbkernel.images.elsewhere.inside REQUEST`.

It runs in namespaces of its own, makes the view, and calls genimage there. Lines of its output that begin with MARK are
events of the job.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sbkernel.definitions.attributes import SITE
from sbkernel.errors import SbkernelError
from sbkernel.images.elsewhere import view
from sbkernel.images.elsewhere.carrying import RECORD, pack_tree
from sbkernel.images.genimage import genimage
from sbkernel.images.rootimgdir import INITRD, KERNEL, MANIFEST, TREE, RootimgDir
from sbkernel.images.tree.postinstall import declared, scripts_of
from sbkernel.jobs import origin
from sbkernel.site import Site

MARK = "\x01"


class Telling:
    """A report that writes events to standard output."""

    def event(self, kind: str, **data: Any) -> None:
        """Write one."""
        os.write(1, f"{MARK}{json.dumps({'kind': kind, **data})}\n".encode())

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:
        """Write when it begins and ends."""
        self.event("phase-start", title=title, total=total)
        ok = False
        try:
            yield
            ok = True
        finally:
            self.event("phase-end", title=title, ok=ok)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Write it."""
        self.event("progress", done=done, total=total, text=text)

    def log(self, line: str) -> None:
        """Write a line."""
        os.write(1, line.rstrip("\n").replace(MARK, "?").encode(errors="replace") + b"\n")

    def result(self, **data: Any) -> None:
        """Write it."""
        self.event("result", data=data)

    def artefact(self, name: str, file: Path) -> None:
        """Leave it: what is handed over lies in a directory."""


def main(argv: list[str]) -> int:
    """Do what the request says, and return the exit status: 0 in any case in which an event tells how it went."""
    request = json.loads(Path(argv[0]).read_text())
    told = Telling()
    try:
        view.enter(request["binds"], Path(request["view"]))
        told.result(**_build(request, told))
    except SbkernelError as error:
        told.log(traceback.format_exc())
        told.event("state", state="failed", error=error.message, hint=error.hint)
    except Exception as error:
        told.log(traceback.format_exc())
        told.event("state", state="failed", error=f"{type(error).__name__}: {error}", hint=None)
    return 0


def _build(request: Mapping[str, Any], told: Telling) -> dict[str, Any]:
    """Build, and put what the other host does not have into the directory `out`."""
    origin.within(request["job"], request["record"])
    attributes = request["attributes"]
    with Site.open(request["root"]) as site:
        _define(site, request["image"], attributes, request["settings"])
        done = genimage(site, request["image"], report=told, attributes=attributes, **request["options"])
    built = RootimgDir(Path(done["rootimgdir"]))
    if request["bring"]:
        always = not declared(scripts_of(attributes.get("postinstall", "")))
        _hand_over(built, {} if done["built"] and always else request["have"], Path(request["out"]), told)
    return done


def _hand_over(built: RootimgDir, have: Mapping[str, str], out: Path, told: Telling) -> None:
    record = built.record()
    outcomes = {name: one["digest"] for name, one in record["outcomes"].items()}
    new = [name for name in (TREE, KERNEL, INITRD, MANIFEST) if have.get(name) != outcomes.get(name)]
    if not new:
        return
    for name in new:
        if name == TREE:
            with told.phase("pack the tree for its way"):
                pack_tree(built.tree, out / TREE)
        else:
            shutil.copyfile(built.path / name, out / name)
    (out / RECORD).write_text(json.dumps(record))


def _define(site: Site, image: str, attributes: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Let the site have this osimage alone, and the settings that a build depends on."""
    now = {key: site.attribute(key) for key in settings}
    if now != dict(settings):
        site.set("site", SITE, **settings)
    if list(site.osimages) == [image] and dict(site.osimages[image].attributes) == dict(attributes):
        return
    for name in list(site.osimages):
        site.delete("osimage", name)
    site.set("osimage", image, **attributes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
