"""sb passwd: set the password of root or of BMCs, or the ssh keys of root."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.access import is_hash, sha512_crypt
from sbkernel.definitions.secret import REFERENCES, Secret, stored
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site

ROOT = "system"


@click.command("passwd")
@click.argument("key")
@click.option("-u", "--username", metavar="USER", help="Name of the user. Default for system: root.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password from the first line of stdin.")
@click.option(
    "--from",
    "reference",
    metavar="REFERENCE",
    help="Store only where the password is: env:NAME, file:PATH or keyring:NAME.",
)
@click.option("--authorized-keys", "keys", metavar="FILE", help="Let these public keys log in as root. - reads stdin.")
@click.option("--delete", "delete", is_flag=True, help="Remove the password.")
@pass_site
def command(
    site: Site, key: str, username: str | None, from_stdin: bool, reference: str | None, keys: str | None, delete: bool
) -> None:
    """Set a password, or the ssh keys of root on the nodes.

    KEY is system for root on the nodes, or ipmi, redfish or openbmc for BMCs: what is not there for a node's mgt is
    taken from ipmi. The password is asked for, unless an option says where it comes from. There is no default password.

    \b
    Examples:
      sb passwd system
      sb passwd ipmi -u ADMIN --from keyring:bmc
      sb passwd system --authorized-keys ~/.ssh/id_ed25519.pub
    """
    if keys is not None:
        _authorize(site, key, keys)
    elif delete:
        site.delete("passwd", key)
        click.echo(f"passwd {key} removed")
    else:
        _set(site, key, username, _reference(reference) if reference else _asked(key, from_stdin))


def _authorize(site: Site, key: str, file: str) -> None:
    if key != ROOT:
        raise click.UsageError(f"--authorized-keys needs the key {ROOT}")
    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"{file} cannot be read: {error}") from None
    count = len([line for line in site.authorize(text).splitlines() if line.strip() and not line.startswith("#")])
    click.echo(f"{count} public keys may log in as root; nodeset gives them to the nodes.")


def _reference(text: str) -> tuple[str, str]:
    kind, _, where = text.partition(":")
    if f"{kind}:" not in REFERENCES or not where:
        raise click.UsageError("--from takes env:NAME, file:PATH or keyring:NAME")
    return (f"file:{Path(where).expanduser().absolute()}" if kind == "file" else text), ""


def _asked(key: str, from_stdin: bool) -> tuple[str, str]:
    """Return the password to store and its hash method. Only root's is hashed: BMCs need the clear text."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt(f"Password ({key})", hide_input=True, confirmation_prompt=True)
    if not password:
        raise DefinitionError("the password is empty", hint="--delete removes one.")
    if key != ROOT:
        return stored(password), ""
    return (password if is_hash(password) else sha512_crypt(Secret(password)).reveal()), "sha512"


def _set(site: Site, key: str, username: str | None, password: tuple[str, str]) -> None:
    user = username or ("root" if key == ROOT else "")
    if not user:
        raise click.UsageError("--username is missing")
    value, method = password
    site.set("passwd", key, username=user, password=value, cryptmethod=method)
    click.echo(f"passwd {key}: the password of {user} is set")
