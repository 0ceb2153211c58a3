"""The site's own checks: scripts that are run on the node of a test boot, each with a time limit."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sbkernel.errors import CommandError, DefinitionError, NotFoundError
from sbkernel.jobs.run import run
from sbkernel.lists.text import paths_of
from sbkernel.nodes.remote.fanned import plain
from sbkernel.nodes.ssh import Way
from sbkernel.rollout.testboot.checks import Check
from sbkernel.site import Site
from sbkernel.units import seconds

LIMIT_S = 120.0
LINES = 10
_TAIL_BYTES = 8192
_LARGEST = 1 << 20
_PATTERN = "[!.]*.sh"
# What the script writes comes on standard output; its own standard input is empty, as the script itself came on that.
_RUN = (
    'd=$(mktemp -d) || exit; trap \'rm -rf "$d"\' EXIT; cat >"$d/"{name} && chmod 700 "$d/"{name} || exit; '
    'cd /; "$d/"{name} </dev/null 2>&1'
)


def scripts_of(site: Site, attribute: str) -> list[Path]:
    """Return the scripts that testbootscripts names, else those in custom/testboot. Raises NotFoundError for none."""
    if not attribute:
        return sorted(filter(Path.is_file, default_directory(site).glob(_PATTERN)))
    found: list[Path] = []
    for path in paths_of(attribute):
        if not path.exists():
            raise NotFoundError(f"testbootscripts names {path}, and it is not there", hint="correct it, or clear it")
        found += sorted(filter(Path.is_file, path.glob(_PATTERN))) if path.is_dir() else [path]
    for path in found:
        if path.stat().st_size > _LARGEST:
            raise DefinitionError(f"{path} is larger than {_LARGEST >> 20} MiB, which no script of testboot may be")
    return found


def default_directory(site: Site) -> Path:
    """Return where the scripts lie that are run for every image without testbootscripts."""
    return site.installdir / "custom" / "testboot"


def run_scripts(
    way: Way, scripts: Sequence[Path], environment: Mapping[str, str], limit_s: float = LIMIT_S
) -> Iterator[Check]:
    """Run scripts on a node, one after the other, and yield a check for each."""
    for script in scripts:
        yield _run(way, script, environment, limit_s)


def _run(way: Way, script: Path, environment: Mapping[str, str], limit_s: float) -> Check:
    words = [f"{name}={shlex.quote(value)}; export {name}; " for name, value in environment.items()]
    command = "".join(words) + _RUN.format(name=shlex.quote(script.name))
    tail = bytearray()

    def keep(chunk: bytes) -> None:
        tail.extend(chunk)
        del tail[:-_TAIL_BYTES]

    began, status, why = time.monotonic(), 0, ""
    try:
        argv = way.argv(f"exec sh -c {shlex.quote(command)}")
        status = run(argv, input=script.read_bytes(), sink=keep, check=False, timeout_s=limit_s).returncode
    except CommandError:
        why = f"not done after {seconds(limit_s)}, and ended"
    said = why or f"exit status {status}, {seconds(time.monotonic() - began)}"
    lines = [plain(line) for line in bytes(tail).splitlines()[-LINES:]]
    return Check(script.name, not why and status == 0, said, tuple(lines))
