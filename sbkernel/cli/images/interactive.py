"""What genimage asks at a terminal: which image, and the values that its options set."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.images.spec import attributes_of
from sbkernel.site import Site

_QUESTIONS = {
    "nodebootif": "Network interface that boots",
    "otherifce": "Further interfaces that use DHCP",
    "netdrivers": "Network drivers in the initrd",
    "kernelver": "Kernel version",
}


def check_terminal(image: str) -> None:
    """Raise SbkernelError unless somebody can answer."""
    if not sys.stdin.isatty():
        what = "--interactive: there" if image else "which image? There"
        raise SbkernelError(
            f"{what} is no terminal to ask at", hint="sb genimage IMAGE; sb lsdef -t osimage lists them"
        )


def ask_image(site: Site) -> str:
    """Return the name of the netboot image that somebody chooses by number or name."""
    names = sorted(one.name for one in site.osimages.many(site.osimages).values() if one.get("provmethod") == "netboot")
    if not names:
        raise NotFoundError("there is no osimage to build", hint="sb copycds, or sb mkdef -t osimage")
    for number, name in enumerate(names, start=1):
        click.echo(f"{number:3}  {name}")
    choices = {str(number): name for number, name in enumerate(names, start=1)} | {name: name for name in names}
    answer: str = click.prompt("Which image", type=click.Choice(list(choices)), show_choices=False)
    return choices[answer]


def ask_values(site: Site, image: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values given, and what is answered for others; an empty answer leaves the osimage's."""
    attributes = attributes_of(site, image)
    values = dict(given)
    for name, question in _QUESTIONS.items():
        if name not in given:
            now = attributes.get(name, "")
            answer = click.prompt(question, default=now, show_default=bool(now)).strip()
            if answer and answer != now:
                values[name] = answer
    return values
