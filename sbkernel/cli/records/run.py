"""sb run: run a notebook through papermill and keep its record."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import RecordError
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

if TYPE_CHECKING:  # importing papermill takes a second, and `sb run -h` does not need it
    from sbkernel.records.parameters import Parameter
    from sbkernel.records.run import Record

_STATUS = {"ok": 0, "interrupted": 130}
_WIDTH = 110


@click.command()
@click.argument("notebook", required=False)
@click.option(
    "-p", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter, read according to its type."
)
@click.option("-y", "texts", multiple=True, metavar="YAML", help="Parameters as YAML, e.g. '{nodes: n1-n4}'.")
@click.option(
    "-f", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), help="A YAML file with parameters."
)
@click.option("--name", help="Name of the record. Default: the name of the notebook.")
@click.option("--list", "show_list", is_flag=True, help="List notebooks and their parameters; run nothing.")
@pass_site
def command(
    site: Site,
    notebook: str | None,
    pairs: tuple[tuple[str, str], ...],
    texts: tuple[str, ...],
    files: tuple[str, ...],
    name: str | None,
    show_list: bool,
) -> int:
    """Run NOTEBOOK through papermill and keep its record.

    NOTEBOOK is a path, or the name of one of the site's notebooks. A parameter must be one that the notebook declares,
    and of the declared type. If it is given more than once, -p wins over -y, and -y over -f. The exit status is 0 when
    every cell ran, 1 when one failed and 130 when the run was interrupted; the record is kept in each case.

    \b
    Examples:
      sb run --list
      sb run build -p image mine
    """
    from sbkernel.records import library
    from sbkernel.records.run import run_notebook

    if show_list:
        _print_list(library.notebooks(site) if notebook is None else [library.find(site, notebook)])
        return 0
    if notebook is None:
        raise click.UsageError("Missing argument 'NOTEBOOK'; --list shows what there is.")
    source = library.find(site, notebook)
    click.echo(f"notebook  {source}")
    return ended(run_notebook(site, source, _values(source, pairs, texts, files), name=name, report=CellLines()))


def ended(record: Record) -> int:
    """Print where a record is and how its run ended; return the exit status."""
    click.echo(f"record    {record.path_ipynb}")
    click.echo(f"          {record.path_html}")
    click.echo(f"{record.status} after {record.seconds:.1f} s" + (f": {record.error}" if record.error else ""))
    return _STATUS.get(record.status, 1)


def _values(
    source: Path, pairs: tuple[tuple[str, str], ...], texts: tuple[str, ...], files: tuple[str, ...]
) -> dict[str, Any]:
    """Return the parameters from files, YAML and pairs; later ones replace earlier ones."""
    from sbkernel.records import parameters

    known = parameters.declared(source)
    values: dict[str, Any] = {}
    for where, text in [(file, Path(file).read_text()) for file in files] + [("-y", text) for text in texts]:
        values.update(_mapping(where, text))
    values.update({name: parameters.from_text(parameters.find(known, name), value) for name, value in pairs})
    return values


def _mapping(where: str, text: str) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise RecordError(f"{where}: not YAML: {error}") from None
    if not isinstance(found, dict):
        raise RecordError(f"{where}: expected names with values, not {text.strip()!r}", hint="e.g. {image: compute}")
    return found


def _print_list(notebooks: Iterator[Path] | list[Path]) -> None:
    from sbkernel.records import parameters

    for path in notebooks:
        click.echo(f"{path.stem}  ({path})")
        for parameter in parameters.declared(path).values():
            click.echo(f"    {_described(parameter)}")


def _described(parameter: Parameter) -> str:
    return f"{parameter.name}: {parameter.annotation} = {parameter.default}".ljust(56) + f"  {parameter.help}".rstrip()


class CellLines(NullReport):
    """Print a line for each cell and each job; in a terminal the last line is live."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._cell = -1

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:  # noqa: ARG002
        """Clear the live line when the phase ends."""
        yield
        self._clear()

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Print a cell when it starts; its later messages are shown only live."""
        shown = f"[{done + 1:>2}/{total}] {text}"[:_WIDTH]
        if self._live:
            self._clear()
            click.echo(shown, nl=False, err=True)
        elif done != self._cell:
            click.echo(shown, err=True)
        self._cell = done

    def log(self, line: str) -> None:
        """Print how a job ended."""
        self._clear()
        click.echo(f"        {line}", err=True)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)
