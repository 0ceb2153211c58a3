"""What a rootimgdir says of the capture that lies in it: from which node, when, and what had changed there by then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sbkernel.errors import NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.capture.look import Entry
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import attributes_of
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

CAPTURED = "captured"
"""Where plan.json, and what image.json says of how an image was made, keep it."""


class ChangedFile(NamedTuple):
    """One plain file that was added, changed or removed since the node booted, with its bytes before and after."""

    change: str
    path: str
    old_size: int
    new_size: int


@dataclass(frozen=True)
class Captured:
    """A capture: the node, when and by whom, the kernel that ran, the version that had been booted.

    `of` names that version (IMAGE@DIGEST, shortened), "" if the node had booted none of ours. `changes` are the plain
    files that differ from it: by their size, or because they were written after it was published.
    """

    node: str
    t: float
    by: str
    host: str
    kernel: str
    of: str = ""
    files: int = 0
    size: int = 0
    left_out: Mapping[str, int] | None = None
    changes: tuple[ChangedFile, ...] = ()

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self | None:
        """Return what a record says; None if it is not of a capture."""
        said = record.get(CAPTURED)
        if not isinstance(said, Mapping):
            return None
        known = {key: said[key] for key in cls.__dataclass_fields__ if key in said}
        return cls(**{**known, "changes": tuple(ChangedFile(*one) for one in said.get("changes", ()))})

    @property
    def record(self) -> dict[str, Any]:
        """Return it as it is kept in plan.json."""
        return asdict(self)

    @property
    def origin(self) -> dict[str, Any]:
        """Return what a version that is packed from it says, without the files."""
        return {key: value for key, value in asdict(self).items() if key not in ("changes", "left_out")}

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a changed file."""
        import pandas as pd

        return pd.DataFrame(list(self.changes), columns=list(ChangedFile._fields))

    def __str__(self) -> str:
        when = datetime.fromtimestamp(self.t, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"captured from {self.node}, {when}" + (f", which had booted {self.of}" if self.of else "")


def left_in(directory: RootimgDir) -> Captured | None:
    """Return what was captured into a directory, also where its kernel or initrd is gone; None if it holds no such."""
    try:
        record = json.loads((directory.path / "plan.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Captured.of_record(record) if isinstance(record, dict) and directory.tree.exists() else None


def captured(site: Site, image: str) -> Captured:
    """Return what was captured as an osimage. NotFoundError if its tree is none that was."""
    directory = RootimgDir(rootimgdir.checked(site, image, attributes_of(site, image)))
    found = left_in(directory)
    if found is None:
        raise NotFoundError(f"image '{image}' was not captured", hint=f"sb imgcapture NODE -t diskless -o {image}")
    return found


def changes(
    before: Mapping[str, int], published: float, after: Sequence[Entry], why_not: Callable[[str], str]
) -> tuple[ChangedFile, ...]:
    """Return which plain files differ: `before` are those of a version, by path, with their bytes.

    A file counts as changed if its size differs, or if it was written after the version was published (seconds since
    the epoch). `why_not` tells which paths are never captured.
    """
    return tuple(sorted(_changes(before, published, after, why_not), key=lambda one: one.path))


def _changes(
    before: Mapping[str, int], published: float, after: Sequence[Entry], why_not: Callable[[str], str]
) -> Iterable[ChangedFile]:
    there = {one.path.removeprefix("./"): one for one in after if one.kind == "f"}
    for path, one in there.items():
        if path not in before:
            yield ChangedFile("added", path, 0, one.size)
        elif one.size != before[path] or one.mtime > published:
            yield ChangedFile("changed", path, before[path], one.size)
    for path in before.keys() - there.keys():
        if not why_not(f"./{path}"):
            yield ChangedFile("removed", path, before[path], 0)
