"""What a build host does: say what it lacks, or lay what came and build in a view of the paths of another host."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sbkernel
from sbkernel.errors import ToolMissingError
from sbkernel.files import in_turn, made, write_whole
from sbkernel.images.elsewhere import inside
from sbkernel.images.elsewhere.given import Given
from sbkernel.jobs.command import PACKAGES, find_program, module_environment
from sbkernel.jobs.launchers.relay import Relaying
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.packages.readers import missing_modules
from sbkernel.site import Site

_LARGE_BYTES = 1 << 20


def look(site: Site, *, report: Report, programs: list[str], tokens: dict[str, str]) -> dict[str, Any]:  # noqa: ARG001
    """Return the `host`, the Debian packages that it is `missing`, and which files are not there as on the other one.

    `tokens` are texts by path.
    """
    needed = [*programs, *([] if os.geteuid() == 0 else ["newuidmap"])]
    missing = {PACKAGES.get(name, name) for name in needed if not _is_there(name)}
    missing.update(missing_modules())
    return {
        "host": socket.gethostname(),
        "user": getpass.getuser(),
        "missing": sorted(missing),
        "apart": [path for path, text in tokens.items() if not _holds(Path(path), text)],
    }


def _is_there(program: str) -> bool:
    try:
        find_program(program)
    except ToolMissingError:
        return False
    return True


def _holds(file: Path, text: str) -> bool:
    try:
        return file.read_text() == text
    except OSError:
        return False


def build(
    site: Site,
    *,
    report: Report,
    image: str,
    root: str,
    places: dict[str, str],
    given: dict[str, Any],
    request: dict[str, Any],
    inputs: Mapping[str, Path] | None = None,
) -> None:
    """Build an osimage of a site that lies at `root` on the host that has ordered it.

    `places` are its directories: "" for those that are shared, else what they are called here. Artefacts are the
    outcomes that `request` does not have already, and the record of the build.
    """
    kept = made(site.root / "images" / hashlib.sha256(image.encode()).hexdigest()[:16], 0o700)
    with in_turn(kept / ".turn"):
        binds = _places(site, kept, places)
        binds |= _lay(kept, Given.from_json(given), inputs or {}, binds)
        out = _emptied(kept / "out")
        code = str(Path(sbkernel.__file__).parents[1])
        binds |= {str(out): str(out), code: code}
        file = kept / "request.json"
        where = {"root": root, "binds": binds, "out": str(out), "view": str(_emptied(kept / "view"))}
        asked = {**request, "image": image, **where}
        write_whole(file, json.dumps(asked), mode=0o600)
        try:
            _run_inside(file, report)
            for made_file in sorted(out.iterdir()):
                report.artefact(made_file.name, made_file)
        finally:
            for left in (out, kept / "given"):
                shutil.rmtree(left, ignore_errors=True)
            file.unlink()


def _run_inside(request: Path, report: Report) -> None:
    with Relaying(report) as told:

        def on_line(line: str) -> None:
            if not line.startswith(inside.MARK):
                told.log(line)
                return
            data = json.loads(line.removeprefix(inside.MARK))
            told.event(data.pop("kind"), data)

        argv = [sys.executable, "-m", inside.__name__, str(request)]
        run(argv, env=module_environment(), on_line=on_line, isolated=True)


def _places(site: Site, kept: Path, places: Mapping[str, str]) -> dict[str, str]:
    """Return where the directories of the other site are here; those of one image are its own, but for the cache."""
    binds = {}
    for path, name in places.items():
        here = made(site.root / "cache of images") if name == "cache" else made(kept / name)
        binds[path] = str(here) if name else path
    for path in binds:
        for above, real in binds.items():
            if path != above and Path(path).is_relative_to(above):
                made(Path(real) / Path(path).relative_to(above))
    return binds


def _lay(kept: Path, given: Given, inputs: Mapping[str, Path], binds: Mapping[str, str]) -> dict[str, str]:
    """Lay what was given, and take away what was given before; return where what lies elsewhere is to be seen."""
    laid = _emptied(kept / "given")
    before = kept / "laid.json"
    for old in json.loads(before.read_text()) if before.exists() else []:
        Path(old).unlink(missing_ok=True)
    shown: dict[str, str] = {}
    inside_places: list[str] = []
    for number, directory in enumerate(given.directories):
        if (here := _below(directory, binds)) is None:
            shown[directory] = str(made(laid / str(number)))
        else:
            made(here)
    for path, (digest, mode, mtime_ns) in given.files.items():
        here = _below(path, {**binds, **shown})
        if here is None:
            here = laid / f"file-{len(shown)}"
            shown[path] = str(here)
        elif not digest:
            continue
        else:
            inside_places.append(str(here))
        _write(here, inputs.get(path) if digest else None, mode, mtime_ns)
    for path, target in given.links.items():
        if (here := _below(path, {**binds, **shown})) is not None:
            made(here.parent)
            here.unlink(missing_ok=True)
            here.symlink_to(target)
            inside_places.append(str(here))
    write_whole(before, json.dumps(inside_places), mode=0o600)
    return shown


def _write(place: Path, source: Path | None, mode: int, mtime_ns: int) -> None:
    made(place.parent)
    if source is None:
        place.touch()
        return
    if source.stat().st_size >= _LARGE_BYTES and not mode & 0o111:
        place.unlink(missing_ok=True)
        place.hardlink_to(source)  # a package: whoever changed it in place would find it sent again
    else:
        shutil.copyfile(source, place)
    place.chmod(mode)
    os.utime(place, ns=(mtime_ns, mtime_ns))


def _below(path: str, binds: Mapping[str, str]) -> Path | None:
    """Return where a path lies here if it is in a place that is bound, the innermost one."""
    above = max((one for one in binds if Path(path).is_relative_to(one)), key=len, default=None)
    return None if above is None else Path(binds[above]) / Path(path).relative_to(above)


def _emptied(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    return made(directory, 0o700)
