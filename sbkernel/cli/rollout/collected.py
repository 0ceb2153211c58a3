"""Print what a collection kept and removed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from sbkernel.images.catalog.collected import Collected, count
from sbkernel.images.catalog.collecting import Item
from sbkernel.packages.diff.tables import aligned
from sbkernel.units import age, size

_SHOWN_ONE_BY_ONE = ("version", "layer", "index", "copy", "other")
Row = tuple[str, str, float, str]


def echo(found: Collected) -> None:
    """Print what stays and what went, or would go, each with the reason, and the sum."""
    verb = "would remove" if found.dry_run else "removed"
    shown = [(word, name, weight, why) for word, items in (("keep", found.kept), (verb, found.gone))
             for name, weight, _, why in rows(items)]  # fmt: skip
    if shown:
        click.echo(aligned(shown, right=[2]))
    click.echo(str(found))


def rows(items: Sequence[Item]) -> Iterator[Row]:
    """Yield a line for each thing that is large, and for the rest a line for each reason: name, size, last use, why."""
    alike: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        why = "; ".join(item.why) or f"last needed {age(time.time() - item.last_used)} ago"
        if item.kind in _SHOWN_ONE_BY_ONE:
            yield _name(item), size(item.size_bytes), item.last_used, why
        else:
            alike[item.kind, "" if item.goes else why].append(item)
    for (kind, why), some in alike.items():
        last_used = max(item.last_used for item in some)
        yield count(kind, len(some)), size(sum(item.size_bytes for item in some)), last_used, why


def _name(item: Item) -> str:
    if item.kind == "version":
        return item.name
    return f"{item.kind} {item.name[:8] if item.kind == 'layer' else item.name}"
