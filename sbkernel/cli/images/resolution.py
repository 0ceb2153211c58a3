"""Print what a list would install."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence

import click

from sbkernel.images.resolution import Chosen, ListResolution
from sbkernel.units import size

_COLUMNS = ("NAME", "VERSION", "ARCH", "DOWNLOAD", "SIZE", "WHY")


def print_resolution(resolved: ListResolution, form: str, everything: bool) -> int:
    """Print a resolution; return 1 if no source has one of the packages, else 0."""
    if form == "json":
        click.echo(json.dumps(_data(resolved), indent=2))
    elif form == "csv":
        _csv(resolved)
    else:
        _text(resolved, everything)
    for one in resolved.unknown:
        click.echo(f"{one}\n    {one.remedy}", err=True)
    return int(bool(resolved.unknown))


def _data(resolved: ListResolution) -> dict[str, object]:
    return {
        "image": resolved.image,
        "download": resolved.download_bytes,
        "size": resolved.installed_bytes,
        "offline": resolved.offline,
        "unknown": [one.as_dict() for one in resolved.unknown],
        "packages": [
            {**one.package.as_dict(), "download": one.download_bytes, "why": one.why, "needed_by": list(one.needed_by)}
            for one in resolved.packages
        ],
    }


def _csv(resolved: ListResolution) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "version", "arch", "download", "size", "why", "needed_by"])
    for one in resolved.packages:
        package = one.package
        writer.writerow([package.name, package.version, package.arch, one.download_bytes, package.size_bytes, one.why,
                         " ".join(one.needed_by)])  # fmt: skip


def _text(resolved: ListResolution, everything: bool) -> None:
    listed = [one for one in resolved.packages if everything or one.why != "base"]
    rows = [_COLUMNS, *(_row(one) for one in listed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo(_line(row, widths))
    base = len(resolved) - len(listed)
    more = f", {base} of the base system not shown" if base else ""
    click.echo(f"{len(resolved)} package{'s'[: len(resolved) != 1]}{more}")
    click.echo(f"{size(resolved.download_bytes)} to download, {size(resolved.installed_bytes)} installed")
    if resolved.offline:
        click.echo("the package sources could not be reached: the package lists are from the last time")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if n in (3, 4) else cell.ljust(width)
        for n, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()


def _row(one: Chosen) -> tuple[str, ...]:
    package = one.package
    why = f"needed by {one.needed_by[0]}" if one.why == "dependency" and one.needed_by else one.why
    others = f" and {len(one.needed_by) - 1} more" if one.why == "dependency" and len(one.needed_by) > 1 else ""
    return (
        package.name,
        package.version,
        package.arch,
        size(one.download_bytes),
        size(package.size_bytes),
        why + others,
    )
