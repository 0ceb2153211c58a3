"""Lay files over a tree: `python -m sbkernel.images.sync.lay`, where the tree is seen and may be written.

The order comes as JSON on standard input; what was done goes to standard output, one JSON object a line. Nothing is
written in place, so that no other name of a file in the tree changes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sbkernel.images.sync.merge import MalformedError, appended, merged
from sbkernel.images.sync.paths import InTheWayError, followed, mode_of
from sbkernel.packages import treefile

_PIECE = 1 << 20
_ROOTS = {"user": "root", "uid": 0, "group": "root", "gid": 0, "mode": 0o755}


class Layer:
    """Lays one thing after the other into a tree; `finish` gives all of it its owners, modes and times.

    Owners come last: as on a node, they are found by name among the users that the tree has then. What belongs to the
    user `own` of this host belongs to root in the tree.
    """

    def __init__(self, root: Path, own: int | None) -> None:
        self._root = root
        self._own = own
        self.at = 0
        """The number of the thing that is being laid, or whose owner is being set."""
        self._laid: dict[Path, Mapping[str, Any]] = {}
        self._times: dict[Path, tuple[int, int]] = {}

    def lay(self, one: Mapping[str, Any]) -> bool:
        """Lay one thing; tell whether the content in the tree has changed. Raises OSError and MalformedError."""
        self.at = one["number"]
        if one["how"] == "directory":
            return self._directory(one)
        if one["how"] == "file":
            return self._file(one)
        return self._add(one)

    def finish(self) -> None:
        """Give all that was laid its owner, mode and time; directories get their time when nothing changes them."""
        users, groups = (self._numbers(path) for path in ("/etc/passwd", "/etc/group"))
        for path, one in self._laid.items():
            self.at = one["number"]
            own = self._own is not None and one["uid"] == self._own
            owner = 0 if own else users.get(one["user"], one["uid"])
            group = 0 if own else groups.get(one["group"], one["gid"])
            os.chown(path, owner, group, follow_symlinks=False)
            path.chmod(one["mode"])
            self._times[path] = (one["mtime_ns"], one["mtime_ns"])
        for path, times in sorted(self._times.items(), reverse=True):
            with suppress(FileNotFoundError):
                os.utime(path, ns=times, follow_symlinks=False)

    def _directory(self, one: Mapping[str, Any]) -> bool:
        path = followed(self._root, one["to"], last=True)
        new = not path.is_dir()
        if new:
            self._parent(path, one["mtime_ns"])
            path.unlink(missing_ok=True)
            path.mkdir()
        self._keep_times(path)
        self._laid[path] = one
        return new

    def _file(self, one: Mapping[str, Any]) -> bool:
        path = followed(self._root, one["to"])
        into = followed(self._root, one["to"], last=True)
        if into.is_dir() and one["name"]:
            path = into / one["name"]
        if stat.S_ISDIR(mode_of(path)):
            raise InTheWayError(0, f"/{path.relative_to(self._root)} is a directory in the image")
        source = Path(one["source"])
        self._parent(path, one["mtime_ns"])
        changed = not _same(source, path)
        new = _new(path.parent)
        shutil.copyfile(source, new)
        new.replace(path)
        self._laid[path] = one
        return changed

    def _add(self, one: Mapping[str, Any]) -> bool:
        """Append or merge a file to one of the tree, which keeps its owner and mode."""
        path = followed(self._root, one["to"], last=True)
        if not stat.S_ISREG(mode_of(path)):
            raise InTheWayError(0, f"the image has no file {one['to']}")
        before, added = path.read_bytes(), Path(one["source"]).read_bytes()
        after = appended(before, added) if one["how"] == "append" else merged(before, added, one["to"])
        self._parent(path, one["mtime_ns"])
        self._replace(path, after)
        laid = self._laid.get(path)
        latest = max(laid["mtime_ns"] if laid else path.stat().st_mtime_ns, one["mtime_ns"])
        if laid:
            self._laid[path] = {**laid, "mtime_ns": latest}
        self._times[path] = (latest, latest)
        return after != before

    def _replace(self, path: Path, content: bytes) -> None:
        """Replace the content of a file by a new file with its owner, mode, time and attributes."""
        new = _new(path.parent)
        new.write_bytes(content)
        status = path.stat()
        os.chown(new, status.st_uid, status.st_gid)
        shutil.copystat(path, new)
        new.replace(path)

    def _parent(self, path: Path, mtime_ns: int) -> None:
        """Make the directories above a path that are missing, and keep the time of the one that it is put into."""
        parent = path.parent
        if mode_of(parent):
            self._keep_times(parent)
            return
        self._parent(parent, mtime_ns)
        parent.mkdir()
        self._laid[parent] = {**_ROOTS, "mtime_ns": mtime_ns, "number": self.at}

    def _keep_times(self, directory: Path) -> None:
        if directory not in self._times:
            status = directory.stat()
            self._times[directory] = (status.st_atime_ns, status.st_mtime_ns)

    def _numbers(self, path: str) -> dict[str, int]:
        """Return the numbers of the users or groups of the tree by name."""
        text = treefile.read(self._root, path) or ""
        fields = (line.split(":") for line in text.splitlines())
        return {one[0]: int(one[2]) for one in fields if len(one) > 2 and one[2].isdecimal()}


def _new(directory: Path) -> Path:
    """Make an empty file (0600) under a name that is free: a link that a package has put there would lead out."""
    descriptor, name = tempfile.mkstemp(prefix=".sbkernel-", dir=directory)
    os.close(descriptor)
    return Path(name)


def _same(source: Path, path: Path) -> bool:
    """Tell whether two files have the same content; what is no file has none."""
    if not stat.S_ISREG(mode_of(path)) or source.stat().st_size != path.stat().st_size:
        return False
    with source.open("rb") as one, path.open("rb") as other:
        while piece := one.read(_PIECE):
            if piece != other.read(_PIECE):
                return False
    return True


def main() -> int:
    """Lay what the order says, in its order; at the first fault say which one it is, and end."""
    order = json.load(sys.stdin)
    layer = Layer(Path(order["root"]), order["own"])
    try:
        for one in order["layings"]:
            _say(number=one["number"], changed=layer.lay(one))
        layer.finish()
    except (OSError, MalformedError) as error:
        words = error.strerror if isinstance(error, InTheWayError) else str(error)
        _say(number=layer.at, error=words)
        return 1
    return 0


def _say(**data: object) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
