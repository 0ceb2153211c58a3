"""Bring package files by address, several at once, with curl(1); each is checked by whoever asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sbkernel.images.families.downloads import Bring, Downloads
from sbkernel.images.families.resolved import Resolved
from sbkernel.jobs.run import run

CONNECTIONS = 8
_DONE = "sbkernel-done"
# Several at once curl shows its progress in spite of --silent, and complains behind that on the same line.
_COMPLAINT = re.compile(r"curl: \(\d+\) .*")
# curl's names of the settings that dnf has
_OPTIONS = {"proxy": "proxy", "sslcacert": "cacert"}


def downloads(directory: Path) -> Downloads:
    """Return the package files below a directory, named name-version-release.arch.rpm."""
    return Downloads(directory, file_name)


def file_name(package: Resolved) -> str:
    """Return the name of a package's file; the epoch is no part of it."""
    return f"{package.name}-{package.version.rpartition(':')[2]}.{package.architecture}.rpm"


def by_curl(settings: Mapping[str, str]) -> Bring:
    """Return how files are brought; `settings` are those of the host's dnf.

    Addresses and proxies travel by standard input: they may hold passwords.
    """

    def bring(wanted: Sequence[tuple[Resolved, Path]], tell: Callable[[int], None]) -> str:
        problems: list[str] = []
        done = 0

        def follow(line: str) -> None:
            nonlocal done
            if line == _DONE:
                done += 1
                tell(done)
            elif said := _COMPLAINT.search(line):
                problems.append(said[0])

        argv = [
            "curl", "--silent", "--show-error", "--fail", "--fail-early", "--location", "--parallel",
            "--parallel-max", str(CONNECTIONS), "--proto", "=http,https,ftp,file", "--retry", "2", "--connect-timeout",
            "20", "--speed-limit", "1", "--speed-time", "30", "--write-out", f"{_DONE}\\n", "--config", "-",
        ]  # fmt: skip
        run(argv, input=config(wanted, settings), on_line=follow, check=False)
        return "\n".join(problems[:5])

    return bring


def config(wanted: Sequence[tuple[Resolved, Path]], settings: Mapping[str, str]) -> str:
    """Return what curl reads: where each file comes from and goes to, and how to reach the mirrors."""
    known = {_OPTIONS[name]: value for name, value in settings.items() if name in _OPTIONS}
    if user := settings.get("proxy_username"):
        known["proxy-user"] = f"{user}:{settings.get('proxy_password', '')}"
    lines = [_line(name, value) for name, value in known.items()]
    for package, file in wanted:
        lines += [_line("url", package.uri), _line("output", str(file))]
    return "".join(lines)


def _line(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{quoted}"\n'
