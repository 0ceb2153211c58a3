"""Bring package files by address and sha256, by apt's own helper.

apt-helper(8) reaches mirrors as apt does: proxies, credentials, retries. A few of them run side by side, since one
asks a mirror for one file after the other.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sbkernel.images.families.debian.output import archive_name, complaints
from sbkernel.images.families.downloads import Bring, Downloads
from sbkernel.images.families.resolved import Resolved
from sbkernel.jobs import spawn

HELPER = Path("/usr/lib/apt/apt-helper")
_HELPERS = 4
_SHORTEST_S, _POLL_S = 0.01, 0.1
"""How long nobody looks for packages: one small one is there soon."""

Wanted = Sequence[tuple[Resolved, Path]]


def downloads(directory: Path) -> Downloads:
    """Return the package files below a directory, named as apt's archives are."""
    return Downloads(directory, archive_name)


def by_helper(environment: Mapping[str, str]) -> Bring:
    """Return how files are brought; `environment` is that of the apt whose configuration says how to reach mirrors."""

    def bring(wanted: Wanted, tell: Callable[[int], None]) -> str:
        place = wanted[0][1].parent
        shares = [wanted[start::_HELPERS] for start in range(min(_HELPERS, len(wanted)))]
        outputs = [place / f"output-{number}" for number in range(len(shares))]
        with contextlib.ExitStack() as stack:
            helpers = [
                stack.enter_context(_helper(share, output, environment))
                for share, output in zip(shares, outputs, strict=True)
            ]
            pause_s = _SHORTEST_S
            while any(helper.poll() is None for helper in helpers):
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _POLL_S)
                tell(sum(file.exists() for _, file in wanted))
        return complaints("\n".join(output.read_text(errors="replace") for output in outputs))

    return bring


@contextlib.contextmanager
def _helper(share: Wanted, output: Path, environment: Mapping[str, str]) -> Iterator[spawn.Process]:
    words = [word for one, file in share for word in (one.uri, str(file), f"SHA256:{one.sha256}")]
    with output.open("wb") as stream:
        helper = spawn.spawn(
            [HELPER, "--quiet", "download-file", *words], env=environment, stdout=stream, stderr=spawn.STDOUT
        )
        try:
            yield helper
        finally:
            spawn.end(helper)
