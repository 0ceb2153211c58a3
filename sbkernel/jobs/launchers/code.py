"""Our own code as one file, the same bytes every time: what another machine with nothing but Python needs of us."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import sbkernel
from sbkernel import resources

LIBRARIES = ("debian",)
"""What a build imports beside the standard library, as far as it is Python alone."""
_LEFT_OUT = (
    "bench",
    "cli",
    "netboot",
    "nodes",
    "records",
    "rollout",
    "service",
    "workbench",
    "_templates",
    "_notebooks",
)
"""What no build needs."""
_THEN = (1980, 1, 1, 0, 0, 0)


@lru_cache(maxsize=1)
def packed() -> bytes:
    """Return a zip file with our modules, the templates, and the libraries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(_files()):
            entry = zipfile.ZipInfo(name, _THEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if file.stat().st_mode & 0o100 else 0o100644) << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    """Yield each file with its name in the archive."""
    home = Path(sbkernel.__file__).resolve().parent
    for file in _below(home, "*.py"):
        if file.relative_to(home).parts[0] not in _LEFT_OUT:
            yield f"sbkernel/{file.relative_to(home)}", file
    for file in _below(resources.templates(), "*"):
        yield f"sbkernel/_templates/{file.relative_to(resources.templates())}", file
    for library in LIBRARIES:
        for directory in _directories(library):
            for file in _below(directory, "*.py"):
                yield f"{library}/{file.relative_to(directory)}", file


def _below(directory: Path, pattern: str) -> Iterator[Path]:
    return (path for path in directory.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)


def _directories(library: str) -> Iterator[Path]:
    found = importlib.util.find_spec(library)
    yield from map(Path, (found.submodule_search_locations if found else None) or ())
