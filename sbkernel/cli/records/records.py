"""sb records: list records, show and compare them, how an image changed, run them again, export and remove them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.cli.rollout.collected import rows
from sbkernel.packages.diff.tables import aligned
from sbkernel.site import Site
from sbkernel.units import size

if TYPE_CHECKING:
    from sbkernel.records.kept.listing import Records

_STATUSES = ("ok", "failed", "interrupted", "kernel-died", "running", "unfinished", "damaged")
_VERBS = "ls|show|diff|trend|rerun|export|prune"


@click.group("records", subcommand_metavar=_VERBS)
def command() -> None:
    """List what notebooks have done, compare it, do it again, or show it to others.

    Each run of a notebook leaves a record: the notebook with its outputs, and a page that any browser opens. RECORD is
    a path, or enough of the beginning of its name or of its RUN that no other begins so.
    """


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON: times in seconds, sizes in bytes.")
_record = click.argument("word", metavar="RECORD")


@command.command("ls", short_help="List records, the newest first.")
@click.option("--notebook", metavar="NAME", help="Only runs of this notebook.")
@click.option("--image", metavar="IMAGE", help="Only runs about this osimage.")
@click.option("--node", metavar="NODERANGE", help="Only runs with one of these nodes.")
@click.option("--status", type=click.Choice(_STATUSES), metavar="STATUS", help=f"Only {', '.join(_STATUSES)}.")
@click.option("--since", metavar="TIME", help="2026-11-29, 2026-11-29T18:00, or how long ago: 7d.")
@click.option("--until", metavar="TIME", help="Only runs that began before; of a day, its end.")
@click.option("--who", metavar="USER", help="Only runs of this user, or USER@HOST.")
@click.option("--search", "words", metavar="WORDS", help="Only runs whose records say all of these words.")
@click.option("-n", "--last", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@_as_json
@pass_site
def ls(
    site: Site, notebook: str | None, image: str | None, node: str | None, status: str | None, since: str | None,
    until: str | None, who: str | None, words: str | None, last: int | None, as_json: bool,
) -> None:  # fmt: skip
    """List records, the newest first; times are in UTC.

    A run whose process was killed is interrupted; one whose kernel was killed is kernel-died. One is unfinished if
    plain papermill has made it and nobody can know whether it still runs.

    \b
    Examples:
      sb records ls --since 7d --status failed
      sb records ls --notebook build --image mine -n 5
    """
    found = _all(site).select(
        notebook=notebook or "", image=image or "", node=node or "", status=status or "", since=since or "",
        until=until or "", who=who or "", words=words or "", last=last,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
    elif not give(lambda: found.df):
        click.echo(str(found))


@command.command("show", short_help="Show what a record says of its run.")
@_as_json
@_record
@pass_site
def show(site: Site, as_json: bool, word: str) -> None:
    """Show what a record says of its run: when, who, with what, what came out, how long each phase took.

    \b
    Example:
      sb records show 3fa9
    """
    from sbkernel.records.kept.told import told

    found = _all(site)
    shown = told(found, found.find(word))
    if as_json:
        click.echo(json.dumps(shown.as_dict(), indent=2))
    elif not give(lambda: shown):
        click.echo(str(shown))


@command.command("diff", short_help="Compare two records.")
@click.option("--packages", is_flag=True, help="Print every package that differs, not the summary.")
@_as_json
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@pass_site
def diff(site: Site, packages: bool, as_json: bool, a: str, b: str) -> None:
    """Compare two records: parameters, result, packages, sizes, kernel, and how long each phase took.

    Packages are compared if the catalog still has the versions that the records show.

    \b
    Example:
      sb records diff 3fa9 81c0
    """
    from sbkernel.packages.diff.formats import render
    from sbkernel.records.kept import comparison

    records = _all(site)
    found = comparison.diff(site, records.find(a), records.find(b))
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    elif give(lambda: found):
        return
    elif packages and found.packages:
        click.echo(f"{found.without_packages()}\n\n{render(found.packages, 'table')}")
    else:
        click.echo(str(found))


@command.command("trend", short_help="Show how an image changed from run to run.")
@click.option("-n", "--last", type=click.IntRange(1), default=24, show_default=True, metavar="N",
              help="Only the newest N runs.")  # fmt: skip
@_as_json
@click.argument("image", metavar="IMAGE")
@pass_site
def trend(site: Site, last: int, as_json: bool, image: str) -> None:
    """Show what IMAGE weighed packed, and how long building and booting it took, from run to run; times are in UTC.

    The newest run is last. A run that says nothing of the image is left out; what a run does not say is "-". Of several
    boots the slowest counts.

    \b
    Examples:
      sb records trend mycomputeimage
      sb records trend mycomputeimage -n 5 --json
    """
    from sbkernel.records.kept import trend as trends

    found = trends.trend(_all(site), image, last)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    elif not give(lambda: found):
        click.echo(str(found))


@command.command("rerun", short_help="Run a notebook again as in a record.")
@click.option("-p", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="Another value for a parameter.")
@click.option("--same", is_flag=True, help="Run the notebook as the record ran it, not as it is now.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would run; run nothing.")
@_record
@pass_site
def rerun(site: Site, pairs: tuple[tuple[str, str], ...], same: bool, dry_run: bool, word: str) -> int:
    """Run the notebook of a record again with its parameters, which are shown first.

    The notebook runs as it is now; what is shown says whether it has changed since. --same takes the notebook out of
    the record, and therefore refuses a record that you have not signed: whatever you run is signed by you.

    \b
    Examples:
      sb records rerun 3fa9
      sb records rerun 3fa9 -p image other --same
    """
    from sbkernel.cli.records.run import CellLines, ended
    from sbkernel.records import parameters
    from sbkernel.records.kept.rerun import prepared

    found = _all(site)
    with prepared(found, found.find(word), same=same) as again:
        given = {name: parameters.from_text(parameters.find(again.declared, name), text) for name, text in pairs}
        again = again.given(given)
        click.echo(str(again))
        return 0 if dry_run else ended(again.run(site, report=CellLines()))


@command.command("export", short_help="Write a page, or a gallery that searches.")
@click.option(
    "-o", "output", type=click.Path(path_type=Path), metavar="FILE|DIR", help="Where the page of RECORD goes."
)
@click.option("--gallery", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="All records, in DIR.")
@click.option("--title", default="Records", show_default=True, help="The title of the gallery.")
@click.argument("word", metavar="[RECORD]", required=False)
@pass_site
def export(site: Site, output: Path | None, gallery: Path | None, title: str, word: str | None) -> None:
    """Write the page of RECORD, or a gallery of all records: pages that load nothing, each under a megabyte.

    A gallery is an index that searches, and the pages. It opens from a disk and from any web server. The next export
    makes only pages that are new, and removes those whose records are gone. Secrets of the site are hidden in all.

    \b
    Examples:
      sb records export 3fa9 -o report.html
      sb records export --gallery /var/www/records
    """
    from sbkernel.records.kept import gallery as galleries

    if (gallery is None) == (word is None) or (word is None) != (output is None):
        raise click.UsageError("give RECORD and -o, or --gallery DIR")
    found = _all(site)
    if gallery is not None:
        click.echo(str(galleries.gallery(found, gallery, title=title)))
    elif word is not None and output is not None:
        click.echo(str(galleries.export(found, found.find(word), output)))


@command.command("prune", short_help="Remove old records.")
@click.option("--keep-days", type=click.FloatRange(0), default=0.0, metavar="N", help="Keep those of the last N days.")
@click.option("--keep-last", type=click.IntRange(0), default=0, metavar="N", help="Keep the newest N of each notebook.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@_as_json
@pass_site
def prune(site: Site, keep_days: float, keep_last: int, dry_run: bool, as_json: bool) -> None:
    """Remove records that are older than --keep-days and not among the newest --keep-last of their notebook.

    What is running stays. So does a record that made a version in the catalog or moved a pointer to one, to which
    `sb images --why` and `sb whatruns` lead, and one with a job that still runs.

    \b
    Examples:
      sb records prune --keep-days 90 --keep-last 10 --dry-run
      sb records prune --keep-last 20
    """
    from sbkernel.records.kept import prune as pruning

    done = pruning.prune(site, keep_days=keep_days, keep_last=keep_last, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.as_dicts(), indent=2))
        return
    shown = [("keep", name, weight, why) for name, weight, _, why in rows(done.kept)]
    shown += [("would remove" if dry_run else "removed", item.name, size(item.size_bytes), "") for item in done.gone]
    click.echo("\n".join([*([aligned(shown, right=[2])] if shown else []), str(done)]))


def _all(site: Site) -> Records:
    from sbkernel.records.kept.listing import records

    return records(site)
