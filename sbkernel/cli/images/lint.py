"""sb lint: say what is wrong or odd in the list files of an osimage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import click

from sbkernel.cli.common import pass_site
from sbkernel.images.tree.lint import look
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.site import Site

_TONES = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command("lint")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@click.option("-q", "--quiet", is_flag=True, help="Show only errors and warnings.")
@click.argument("image")
@pass_site
def command(site: Site, form: str, quiet: bool, image: str) -> int:
    """Say what is wrong or odd in the list files of IMAGE, with file, line and remedy.

    Names of packages are looked up in the indexes of the sources as they were read last. When the image is built, its
    exlist is also checked against the root tree and the files of the packages that are asked for. What could not be
    checked is said at the end. Nothing is asked over the network.

    The exit status is 1 when there are errors; warnings and remarks do not count.
    """
    linted = look(site, image)
    found = [one for one in linted.remarks if not quiet or one.severity != "info"]
    if form == "json":
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
    else:
        for one in found:
            click.echo(_text(one))
        click.echo(_summary(image, found))
    if not quiet:
        for why in linted.unchecked:
            click.echo(f"Note: {why}", err=True)
    return int(any(one.severity == "error" for one in found))


def _text(one: Diagnostic) -> str:
    said = str(one).replace(f" {one.severity}: ", f" {click.style(one.severity, fg=_TONES[one.severity])}: ", 1)
    return f"{said}\n    {one.remedy}" if one.remedy else said


def _summary(image: str, found: Sequence[Diagnostic]) -> str:
    counts = Counter(one.severity for one in found)
    parts = [_count(counts["error"], "error"), _count(counts["warning"], "warning"), _count(counts["info"], "remark")]
    return f"{image}: {', '.join(parts)}" if found else f"{image}: nothing found"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
