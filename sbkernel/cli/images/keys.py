"""sb keys: the key with which the site signs its images, and those of others that it believes."""

from __future__ import annotations

from typing import TextIO

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import NotFoundError
from sbkernel.images.catalog import keys
from sbkernel.packages.diff.tables import aligned
from sbkernel.site import Site


@click.group(subcommand_metavar="make|show|add|ls")
def command() -> None:
    """Make or show the key with which packimage signs images, or believe the keys of others.

    Once the site has a key, every image that is packed is signed, and its initrd refuses a root that is not. The secret
    key has no password, so that packimage can run from cron: it is protected by the mode of keys/sign.key (0600) and of
    its directory in the site. Keep a copy of it.
    """


@command.command()
@pass_site
def make(site: Site) -> None:
    """Make the key of the site."""
    key = keys.make(site)
    click.echo(f"The site signs with the key {key.id} from now on; images that were packed before stay unsigned.")


@command.command()
@pass_site
def show(site: Site) -> None:
    """Print the public key of the site, for `sb keys add` on another."""
    key = keys.own(site)
    if key is None:
        raise NotFoundError("the site has no key", hint="sb keys make")
    click.echo(key.text, nl=False)


@command.command()
@click.argument("name")
@click.argument("file", type=click.File("r", errors="replace"))
@pass_site
def add(site: Site, name: str, file: TextIO) -> None:
    """Believe the public key in FILE, or on stdin if it is -, and call it NAME."""
    key = keys.add(site, name, file.read())
    click.echo(f"{key.name}: {key.id}")


@command.command("ls")
@pass_site
def list_(site: Site) -> None:
    """List the keys whose signatures are believed; the site's own comes first."""
    found = keys.known(site)
    click.echo(aligned([("KEY", "ID"), *((key.name, key.id) for key in found)]) if found else "No key: sb keys make")
