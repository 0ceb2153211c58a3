"""The picture of the house, drawn from the rooms themselves: their order, what each says it owns, what it imports."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent
ROOMS = (
    "resources", "errors", "files", "units", "architectures", "definitions", "site", "lists", "packages", "jobs",
    "images", "netboot", "nodes", "service", "rollout", "records", "workbench", "bench", "demo", "docs", "cli",
)  # fmt: skip
"""In the order of the work: a room imports only rooms above it."""
_WIDTH, _ROW, _LINE = 760, 34, 17
_CHARACTERS = 88
"""What fits beside the name of a room, at the size of the text."""
_HEAD = (
    '<svg class="house" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
    'aria-label="The rooms of sbkernel in the order of the work">'
)


class Room(NamedTuple):
    """A room, or a folder in one: its path, and the first paragraph of what it says of itself."""

    path: str
    about: str


def rooms() -> list[Room]:
    """Return the rooms in their order."""
    return [_room(PACKAGE / name if (PACKAGE / name).is_dir() else PACKAGE / f"{name}.py") for name in ROOMS]


def folders() -> list[Room]:
    """Return the folders of all rooms, in their order."""
    return [_room(file.parent) for name in ROOMS for file in sorted((PACKAGE / name).rglob("*/__init__.py"))]


def _room(path: Path) -> Room:
    file = path / "__init__.py" if path.is_dir() else path
    about = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")[0]
    return Room(f"{path.relative_to(PACKAGE)}{'/' if path.is_dir() else ''}", " ".join(about.split()))


def picture() -> str:
    """Return the house as SVG that stands in a page and takes its colours."""
    boxes, height = [], 6
    for room in rooms():
        lines = textwrap.wrap(room.about, _CHARACTERS)
        tall = _ROW + _LINE * (len(lines) - 1)
        boxes += list(_box(room.path, lines, height, tall))
        height += tall + 6
    return "\n".join([_HEAD.format(width=_WIDTH, height=height), *boxes, "</svg>", ""])


def _box(path: str, lines: list[str], top: int, tall: int) -> Iterator[str]:
    yield f'<rect x="4" y="{top}" width="{_WIDTH - 8}" height="{tall}" rx="5"/>'
    yield f'<text class="room" x="14" y="{top + 22}">{escape(path)}</text>'
    for number, line in enumerate(lines):
        yield f'<text x="152" y="{top + 22 + number * _LINE}">{escape(line)}</text>'


def table() -> str:
    """Return the folders, in Markdown."""
    rows = (f"| `{one.path}` | {one.about} |" for one in folders())
    return "\n".join(["| Folder | What it owns |", "|---|---|", *rows, ""])
