"""sb lock: write down exactly which packages the lists of an osimage mean now, or compare, or fill a mirror."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import phase_line
from sbkernel.images import lock as locks
from sbkernel.images.lock import Done
from sbkernel.images.locking.mirror import Filled
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

_CLEAR = "\r\x1b[K"
_OFFLINE = "the package sources could not be reached: the package lists are from the last time"


class _Phases(NullReport):
    """Print a line for each phase on stderr; in a terminal, how many packages are done, too."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:  # noqa: ARG002
        """Print how long it took, if it ends well."""
        start = time.monotonic()
        try:
            yield
        finally:
            click.echo(_CLEAR if self._live else "", nl=False, err=True)
        click.echo(phase_line(title, time.monotonic() - start), err=True)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:  # noqa: ARG002
        """Print the live line."""
        if self._live:
            click.echo(f"{_CLEAR}  {done} of {total} packages", nl=False, err=True)


@click.command("lock")
@click.option("-o", "file", default="", metavar="FILE", help="The lock. Default: IMAGE.lock beside the site's lists.")
@click.option("--update", is_flag=True, help="Replace a lock that has another answer than there is now.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if there is another answer now, and show it.")
@click.option("--mirror", metavar="DIR", help="Bring the packages of the locks into a mirror, made if missing.")
@click.option("--prune", is_flag=True, help="With --mirror: remove the files that no lock of it needs.")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@pass_site
def command(
    site: Site, file: str, update: bool, check: bool, mirror: str | None, prune: bool, images: tuple[str, ...]
) -> int:
    """Write down exactly which packages the lists of IMAGE mean now.

    The lock is a text file for version control: name, version, architecture, size, sha256 and address of each package.
    `sb genimage --locked` builds from it and asks no mirror what there is. Where nothing has changed, the file stays as
    it is.

    With --mirror the packages are also kept in DIR/OSVERS/OSARCH, as a repository that pkgdir may name (it is not
    signed); locked builds then need no network. Locks that exist are taken as they are, and several share one mirror.

    \b
    Examples:
      sb lock mine && sb genimage --locked mine
      sb lock --check mine
      sb lock --mirror /srv/mirror mine yours
    """
    if file and len(images) > 1:
        raise click.UsageError("-o names the lock of one image")
    if (check and (update or mirror)) or (prune and not mirror):
        raise click.UsageError("--check goes with neither --update nor --mirror, and --prune with --mirror alone")
    report = _Phases()
    if check:
        found = [_check(image, locks.check(site, image, file=file, report=report)) for image in images]
        return int(any(found))
    if mirror:
        place = Path(mirror).absolute()
        for done, filled in locks.mirror(site, images, place, file=file, update=update, prune=prune, report=report):
            if done.written:
                _tell(done)
            _tell_mirror(filled)
        return 0
    for image in images:
        _tell(locks.lock(site, image, file=file, update=update, report=report))
    return 0


def _check(image: str, done: Done) -> bool:
    if done.offline:
        click.echo(_OFFLINE, err=True)
    if not done.changes:
        click.echo(f"{image}: {len(done.lock.packages)} packages as in {done.lock.file}")
    for line in done.changes:
        click.echo(f"{image}: {line}")
    return bool(done.changes)


def _tell(done: Done) -> None:
    if done.offline:
        click.echo(_OFFLINE, err=True)
    for line in done.changes:
        click.echo(line)
    packages = f"{len(done.lock.packages)} packages"
    click.echo(f"{done.lock.file}: {packages}" if done.written else f"nothing to do: {done.lock.file} says so already")


def _tell_mirror(filled: Filled) -> None:
    click.echo(f"{filled.place}: {filled.packages} packages, {filled.brought} of them new")
    for path in filled.removed:
        click.echo(f"removed: {path}")
    for path in filled.unneeded:
        click.echo(f"not needed (--prune removes it): {path}")
