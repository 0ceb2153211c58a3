"""The notebooks of a site: the shipped ones, and working copies that users may change.

A working copy is updated with the shipped notebook until somebody changes it; after that it is never touched. It counts
as changed if the source of a cell differs: running a notebook in JupyterLab changes only its outputs.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import NotFoundError
from sbkernel.site import Site

_COPIES = ".shipped.json"  # name -> digest of the sources that we copied


_ORDER = (
    "start-here", "define", "build", "boot", "packages", "update", "rollout", "capture", "elsewhere", "records",
    "practise", "benchmarks",
)  # fmt: skip
"""The notebooks in the order of the work. Others follow."""


@dataclass(frozen=True)
class Template:
    """A shipped notebook, of which working copies are made."""

    path: Path

    @property
    def name(self) -> str:
        """Return its name: start-here."""
        return self.path.stem

    @property
    def title(self) -> str:
        """Return the heading of its first cell."""
        first = "".join(self.content()["cells"][0]["source"])
        return first.partition("\n")[0].lstrip("# ")

    def content(self) -> dict[str, Any]:
        """Return the notebook."""
        return dict(json.loads(self.path.read_text()))

    def as_dict(self) -> dict[str, str]:
        """Return what a launcher shows of it."""
        return {"name": self.name, "label": self.name.replace("-", " ").capitalize(), "title": self.title}


def templates() -> list[Template]:
    """Return the shipped notebooks in the order of the work."""
    place = {name: number for number, name in enumerate(_ORDER)}
    return [Template(path) for path in sorted(_shipped(), key=lambda path: place.get(path.stem, len(place)))]


def copy_names(name: str) -> Iterator[str]:
    """Yield the names that a copy may have, the best first: build.ipynb, build-2.ipynb, build-3.ipynb ..."""
    yield f"{name}.ipynb"
    for number in itertools.count(2):
        yield f"{name}-{number}.ipynb"


def working_directory(site: Site) -> Path:
    """Return the directory of the working copies of the site."""
    return site.root / "notebooks"


def source_digest(notebook: Path) -> str:
    """Return a digest of the types and sources of all cells, or of the bytes of a file that is not a notebook."""
    data = notebook.read_bytes()
    try:
        return digest_of(json.loads(data)["cells"])
    except (ValueError, KeyError, TypeError):
        return hashlib.sha256(data).hexdigest()


def digest_of(cells: Iterable[Mapping[str, Any]]) -> str:
    """Return a digest of the types and sources of cells."""
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def refresh(site: Site, directory: Path | None = None) -> dict[str, str]:
    """Copy shipped notebooks to the working directory; return name -> new, updated, changed or current.

    Pages (*.md) beside them and in docs are copied as well. A copy that somebody has changed is kept and called
    `changed`.
    """
    target = directory or working_directory(site)
    target.mkdir(parents=True, exist_ok=True)
    copied = _copied(target)
    states = {name: _refresh_one(path, target, name, copied) for name, path in _named([*_shipped(), *_pages()])}
    (target / _COPIES).write_text(json.dumps(copied, indent=1, sort_keys=True) + "\n")
    return states


def _copied(directory: Path) -> dict[str, str]:
    path = directory / _COPIES
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _named(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    yield from ((str(path.relative_to(resources.notebooks())), path) for path in paths)


def _refresh_one(shipped: Path, target: Path, name: str, copied: dict[str, str]) -> str:
    copy, wanted = target / name, source_digest(shipped)
    if copy.exists():
        present = source_digest(copy)
        if present == wanted:
            copied[name] = wanted
            return "current"
        if copied.get(name) != present:
            return "changed"
    state = "updated" if copy.exists() else "new"
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(shipped, copy)
    copied[name] = wanted
    return state


def _shipped() -> list[Path]:
    return sorted(resources.notebooks().glob("*.ipynb"))


def _pages() -> list[Path]:
    return sorted([*resources.notebooks().glob("*.md"), *resources.notebooks().glob("docs/*.md")])


def notebooks(site: Site) -> Iterator[Path]:
    """Yield the notebooks that can be run by name. A working copy replaces the shipped notebook of the same name."""
    copies = {path.stem: path for path in sorted(working_directory(site).glob("*.ipynb"))}
    yield from ({path.stem: path for path in _shipped()} | copies).values()


def find(site: Site, notebook: str | Path) -> Path:
    """Return the notebook of a path or a name. Names are looked up in the working copies, then in the shipped ones."""
    path = Path(notebook)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    return named(site, str(notebook))


def named(site: Site, notebook: str) -> Path:
    """Return the notebook of a name, never that of a path. Raises NotFoundError, which suggests similar names."""
    known = {path.stem: path for path in notebooks(site)}
    name = notebook.removesuffix(".ipynb")
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(known))}."
    raise NotFoundError(f"no notebook {notebook!r}", hint=hint)
