"""A treemap made of plain blocks. It needs no script, style sheet or SVG, so that records keep it.

Layout: squarified treemaps (Bruls, Huizing, van Wijk, 2000), in per cent of the surface.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from sbkernel.units import size
from sbkernel.workbench.html import div

WIDTH, HEIGHT = 926.0, 460.0
_HEAD = 19.0
_FEWEST_PIXELS = 30.0
_GAP = 1.0
# Translucent, so that they suit light and dark pages; the text has the colour of the page.
COLOURS = (
    "21,134,168", "42,157,92", "201,138,0", "146,98,196", "209,105,59", "70,110,210", "150,150,60", "190,80,130",
    "90,150,150", "128,136,144",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Something with a size in bytes, or a group of these."""

    name: str
    size: int
    parts: tuple[Block, ...] = ()


class Box(NamedTuple):
    """A rectangle in pixels of a surface of WIDTH x HEIGHT; it is drawn in per cent."""

    x: float
    y: float
    width: float
    height: float


def group(name: str, parts: Iterable[Block]) -> Block:
    """Return a group, as large as its parts together."""
    kept = tuple(parts)
    return Block(name, sum(part.size for part in kept), kept)


def draw(groups: Sequence[Block], height_px: int = int(HEIGHT)) -> Markup:
    """Return groups and their parts as nested rectangles, whose areas are in proportion to the bytes."""
    surface = Box(0, 0, WIDTH, HEIGHT)
    # The largest groups have colours of their own, in any order of the groups.
    ordered = sorted((one for one in groups if one.size > 0), key=lambda one: -one.size)
    drawn = [
        _group(one, box, COLOURS[min(number, len(COLOURS) - 1)])
        for number, (one, box) in enumerate(layout(ordered, surface))
    ]
    return div(
        *(cell for cells in drawn for cell in cells),
        style=f"position:relative;height:{height_px}px;max-width:960px;overflow:hidden;border-radius:6px",
    )


def layout(blocks: Sequence[Block], box: Box) -> Iterator[tuple[Block, Box]]:
    """Yield a rectangle for each block with a size. A row takes more blocks as long as its rectangles get squarer."""
    rest = sorted((one for one in blocks if one.size > 0), key=lambda one: -one.size)
    total = float(sum(one.size for one in rest))
    while rest:
        scale = box.width * box.height / total
        side = min(box.width, box.height)
        count = 1
        while count < len(rest) and _worst(rest[: count + 1], side, scale) <= _worst(rest[:count], side, scale):
            count += 1
        row, rest = rest[:count], rest[count:]
        placed, box = _place(row, box, scale)
        yield from zip(row, placed, strict=True)
        total -= sum(one.size for one in row)


def _worst(row: Sequence[Block], side: float, scale: float) -> float:
    """Return the worst ratio of sides in a row; 1 is a square."""
    areas = [one.size * scale for one in row]
    whole = sum(areas)
    if whole <= 0 or min(areas) <= 0 or side <= 0:
        return float("inf")
    return max(side * side * max(areas) / whole**2, whole**2 / (side * side * min(areas)))


def _place(row: Sequence[Block], box: Box, scale: float) -> tuple[list[Box], Box]:
    """Return the rectangles of a row along the shorter side of a box, and what is left of the box."""
    area = sum(one.size for one in row) * scale
    upright = box.width >= box.height
    thick = area / (box.height if upright else box.width) if area else 0.0
    at, placed = (box.y if upright else box.x), []
    for one in row:
        long = one.size * scale / thick if thick else 0.0
        placed.append(Box(box.x, at, thick, long) if upright else Box(at, box.y, long, thick))
        at += long
    if upright:
        return placed, Box(box.x + thick, box.y, max(0.0, box.width - thick), box.height)
    return placed, Box(box.x, box.y + thick, box.width, max(0.0, box.height - thick))


def _group(one: Block, box: Box, colour: str) -> Iterator[Markup]:
    head = _HEAD if one.parts and box.height > 2.2 * _HEAD and box.width > 46 else 0.0
    yield _cell(one, box, f"rgba({colour},{0.28 if one.parts else 0.34})", bold=True)
    inner = Box(box.x + 2, box.y + head + (0 if head else 2), box.width - 4, box.height - head - (2 if head else 4))
    if inner.width > 4 and inner.height > 4:
        parts = _with_others(one.parts, _FEWEST_PIXELS / (inner.width * inner.height) * one.size)
        for part, place in layout(parts, inner):
            yield _cell(part, place, f"rgba({colour},0.34)", bold=False)


def _with_others(parts: Iterable[Block], fewest: float) -> list[Block]:
    """Return the parts, with those that are too small to see merged into one."""
    found = list(parts)
    small = [part for part in found if part.size < fewest]
    if len(small) < 2:
        return found
    return [*(part for part in found if part.size >= fewest), group(f"{len(small)} others", small)]


def _cell(one: Block, box: Box, colour: str, *, bold: bool) -> Markup:
    return div(
        _label(one, box, bold=bold),
        title=f"{one.name}: {size(one.size)}",
        style=f"position:absolute;left:{box.x / WIDTH * 100:.3f}%;top:{box.y / HEIGHT * 100:.3f}%;"
        f"width:calc({box.width / WIDTH * 100:.3f}% - {_GAP:g}px);"
        f"height:calc({box.height / HEIGHT * 100:.3f}% - {_GAP:g}px);"
        f"background-color:{colour};overflow:hidden;border-radius:2px;box-sizing:border-box;padding:1px 4px;"
        f"font-size:11px;line-height:15px{';font-weight:600' if bold else ''}",
    )


def _label(one: Block, box: Box, *, bold: bool) -> Markup | None:
    """Return the name and, if there is room, the size."""
    if box.width < 34 or box.height < 15:
        return None
    cut = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    if bold:
        return div(
            one.name,
            " ",
            Markup('<span style="opacity:0.65;font-weight:400">{}</span>').format(size(one.size)),
            style=cut,
        )
    below = div(size(one.size), style=f"{cut};opacity:0.65") if box.height >= 32 and box.width >= 48 else None
    return div(div(one.name, style=cut), below)
