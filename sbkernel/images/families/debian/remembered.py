"""What apt said last time, while all that it depends on is the same: that the lists are up to date, and solutions.

The signed list of a mirror (InRelease) has the sums of all its others, and apt's own helper fetches it as apt would:
through its proxies, with its logins. apt itself looks once a day, and whenever this cannot tell.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sbkernel.files import made, write_whole
from sbkernel.images.families.debian.download import HELPER
from sbkernel.images.families.debian.sources import AptSource, parse
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.plan import digest_of
from sbkernel.jobs.command import find_program
from sbkernel.jobs.run import run

VERSION = 2
KEPT = 8
"""How many solutions are kept."""

_DAY_S = 86400
_TRUSTED = (Path("/etc/apt/trusted.gpg"), Path("/etc/apt/trusted.gpg.d"))
_CONFIGURATION = "apt.conf"
_SOURCES = "etc/sources.list.d/image.sources"
_READ = (_CONFIGURATION, _SOURCES, "etc/preferences.d/image")
_SIGNED = "InRelease"
_QUICKLY = (
    "-oAcquire::http::No-Cache=true",  # no proxy answers for the mirror; apt asks for that when it updates
    "-oAcquire::Retries=0", "-oAcquire::http::Timeout=5", "-oAcquire::https::Timeout=5",  # apt itself is patient
)  # fmt: skip
_OPTIONS = {"Signed-By", "Trusted", "Architectures"}
"""Others may say where the signed list lies, or how long it holds."""
_UNCHECKED = re.compile(r'^Acquire::Check-Valid-Until "(?:false|no|0)";', re.MULTILINE)
_FIELD = re.compile(r"^(Date|Valid-Until): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Remembered:
    """What is known in the directory of one apt; `environment` is that of its programs."""

    directory: Path
    environment: Mapping[str, str]

    @property
    def stamp(self) -> Path:
        """Return the file that is written when apt has updated the lists."""
        return self.directory / "updated"

    def note_update(self) -> None:
        """Write down what the lists are and were made from, just after apt has updated them."""
        sums = {path.name: [_state(path), _sum(path)] for path in self._lists()}
        write_whole(self.stamp, json.dumps({"here": self._here(), "sums": sums}))

    def nothing_new(self) -> bool:
        """Tell whether apt would leave the lists as they are; false also when that cannot be told."""
        noted = self._noted()
        young = bool(noted) and 0 <= time.time() - self.stamp.stat().st_mtime < _DAY_S
        return young and noted["here"] == self._here() and self._same_at_mirrors()

    def _noted(self) -> Any:
        """Return what note_update has written; nothing if it cannot be read."""
        try:
            noted = json.loads(self.stamp.read_text())
            return noted if {*noted} == {"here", "sums"} else {}
        except (OSError, ValueError, TypeError):
            return {}

    def _here(self) -> Any:
        """Return what tells on this host that the lists, keys and local repositories are what they were."""
        lists, sources = self._lists(), self._sources()
        keys = (path for source in sources for path in map(Path, source.option("Signed-By").split()))
        trusted = (path for top in _TRUSTED for path in (top, *sorted(top.glob("*"))))
        local = (path for source in sources if _is_local(source) for path in _indexes(source))
        found = [_state(path) for path in (*lists, *keys, *trusted, *local)]
        return [found, digest_of(self._settings())]

    def _same_at_mirrors(self) -> bool:
        """Tell whether the signed lists of all mirrors are those that are here, and hold today."""
        sources = self._sources()
        addresses = sorted({_address(source) for source in sources if not _is_local(source)})
        known = [
            path.read_bytes() for path in self._lists() if path.name.endswith(f"_{_SIGNED}") and path.name[0] != "_"
        ]
        configuration = self._settings()[_CONFIGURATION]
        telling = "-ValidTime" not in configuration and all(map(_is_plain, sources))
        if not telling or len(known) != len(addresses):
            return False
        if not _UNCHECKED.search(configuration) and not all(map(_holds, known)):
            return False
        return not addresses or self._fetched(addresses) == sorted(known)

    def _fetched(self, addresses: Sequence[str]) -> list[bytes]:
        """Return what lies at addresses now; nothing of what cannot be fetched."""
        with tempfile.TemporaryDirectory(dir=self.directory / "tmp") as place:
            files = [Path(place, str(number)) for number, _ in enumerate(addresses)]
            words = [word for pair in zip(addresses, map(str, files), strict=True) for word in pair]
            run([str(HELPER), "--quiet", *_QUICKLY, "download-file", *words], env=self.environment, check=False)
            return sorted(file.read_bytes() for file in files if file.is_file())

    def solution(self, question: Any, solve: Callable[[], Sequence[Resolved]]) -> tuple[Resolved, ...]:
        """Return what `solve` has returned before for the same question, JSON-able data, from the same lists."""
        noted = self._noted().get("sums", {})
        lists = {path.name: _sum(path, noted.get(path.name)) for path in self._lists()}
        program = _state(Path(find_program("apt-get")))  # another version is another file; to ask it takes longer
        key = digest_of([VERSION, question, lists, self._settings(), program])
        file = made(self.directory / "solved") / f"{key}.json"
        if (known := _read(file)) is not None:
            file.touch()
            return known
        found = tuple(solve())
        packages = [asdict(one) for one in found]
        write_whole(file, json.dumps({"sum": digest_of(packages), "packages": packages}))
        for old in sorted(file.parent.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
            old.unlink(missing_ok=True)
        return found

    def _lists(self) -> list[Path]:
        return [path for path in sorted((self.directory / "state/lists").glob("*")) if path.is_file()]

    def _settings(self) -> dict[str, str]:
        return {name: (self.directory / name).read_text() for name in _READ}

    def _sources(self) -> list[AptSource]:
        return parse(self._settings()[_SOURCES], _SOURCES)


def _state(path: Path) -> list[str | int] | None:
    """Return what changes when somebody writes a file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _sum(path: Path, noted: Sequence[Any] | None = None) -> str:
    """Return the sum of a file, the one that was noted if nobody has written it since."""
    if noted is not None and noted[0] == _state(path):
        return str(noted[1])
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(file: Path) -> tuple[Resolved, ...] | None:
    """Return the packages of a solution; None if there is none, or it is damaged."""
    try:
        data = json.loads(file.read_text())
        return (
            tuple(Resolved(**one) for one in data["packages"]) if data["sum"] == digest_of(data["packages"]) else None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_local(source: AptSource) -> bool:
    return source.uri.startswith("copy:")


def _is_plain(source: AptSource) -> bool:
    """Tell whether it is clear where the signed list of a source lies, and how long it holds."""
    return source.uri.startswith(("http:", "https:", "copy:")) and {name for name, _ in source.options} <= _OPTIONS


def _address(source: AptSource) -> str:
    flat = source.suite.endswith("/")
    top = source.uri.rstrip("/")
    return f"{top}/{source.suite}{_SIGNED}" if flat else f"{top}/dists/{source.suite}/{_SIGNED}"


def _indexes(source: AptSource) -> Iterable[Path]:
    """Return the files that list what is in a repository on this host."""
    top = Path(unquote(source.uri.removeprefix("copy:")))
    place = top / source.suite if source.suite.endswith("/") else top / "dists" / source.suite
    # A component may have slashes, such as updates/main.
    of_components = (f"{escape(component)}/binary-*/*" for component in source.components)
    return sorted({path for pattern in ("*Release*", "Packages*", *of_components) for path in place.glob(pattern)})


def _holds(signed: bytes) -> bool:
    """Tell whether a signed list is of the past and has not run out; false if it does not say when it was made."""
    try:
        times = {name: parsedate_to_datetime(text).timestamp() for name, text in _fields(signed)}
    except ValueError:
        return False
    return times.get("Date", float("inf")) <= time.time() < times.get("Valid-Until", float("inf"))


def _fields(signed: bytes) -> Iterator[tuple[str, str]]:
    yield from (match.groups() for match in _FIELD.finditer(signed.decode(errors="replace")))  # type: ignore[misc]
