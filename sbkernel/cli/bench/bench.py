"""sb bench: our time, a peer's, and the ratio of the same run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import FrameType

import click

from sbkernel.definitions.store.interface import SERVER_VARIABLE

NAMES = (
    "build", "build-dnf", "rebuild", "pack", "boot", "serve", "power", "consoles", "nodeset", "service", "startup",
    "definitions", "diff",
)  # fmt: skip


@click.command()
@click.option(
    "--runs",
    type=click.IntRange(1),
    help="How often each side runs; the ratio is that of the medians. Default: each benchmark has its own.",
)
@click.option(
    "--pkglist",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Packages of the image that is built. Default: those of the shipped compute image.",
)
@click.option("--keep", is_flag=True, help="Keep the working directory.")
@click.option(
    "--work",
    "where",
    type=click.Path(file_okay=False, path_type=Path),
    help="Work in this directory, keep it, and use what it holds next time. Default: a temporary one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@click.argument("rows", nargs=-1, type=click.Choice(NAMES))
def command(
    runs: int | None, pkglist: Path | None, keep: bool, where: Path | None, as_json: bool, rows: tuple[str, ...]
) -> int:
    """Run benchmarks: ours and a peer's in turn, and check that both did the same work.

    Without names all benchmarks run. They work in a site of their own, which is removed at the end. The exit status is
    1 when a goal was missed or the work was not the same.

    \b
    Example:
      sb bench pack diff
    """
    from sbkernel.bench.row import BenchRow, passed
    from sbkernel.bench.show import block, rows_table
    from sbkernel.bench.suite import measure
    from sbkernel.bench.workspace import workspace

    signal.signal(signal.SIGTERM, _interrupt)
    # A benchmark has a site of its own. It must not use the database of the real site.
    os.environ.pop(SERVER_VARIABLE, None)
    done: list[BenchRow] = []
    with workspace(_say, runs=runs or 0, pkglist=pkglist, keep=keep, where=where) as work:
        for row in measure(work, rows):
            done.append(row)
            if not as_json:
                click.echo(f"{block(row)}\n")
    click.echo(json.dumps([row.as_dict() for row in done], indent=1) if as_json else rows_table(done))
    return 0 if passed(done) else 1


def _say(line: str) -> None:
    click.echo(line, err=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as after Ctrl-C, so that the nodes are powered off and the service stops."""
    raise KeyboardInterrupt
