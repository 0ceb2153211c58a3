"""sb mkvm: define virtual nodes."""

from __future__ import annotations

import re

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.ranges.noderange import expand
from sbkernel.definitions.tables.node_virtual import BIOS, UEFI, UEFI_HTTP
from sbkernel.nodes.mkvm import mkvm
from sbkernel.nodes.virtual.description import megabytes
from sbkernel.nodes.virtual.qemu import USER_NETWORK
from sbkernel.site import Site


def _megabytes(_context: click.Context, _option: click.Parameter, text: str) -> int:
    """Return a size in MiB; it is given so, or with a unit."""
    if not text:
        return 0
    if not re.fullmatch(r"[1-9]\d{0,8}[MG]?", text, re.IGNORECASE):
        raise click.BadParameter(f"{text!r} is not a size such as 8G or 512M")
    return megabytes(text)


@click.command()
@click.argument("noderange")
@click.option(
    "--memory", "memory_mb", metavar="MB", default=1024, show_default=True, type=click.IntRange(min=128), help="Memory."
)
@click.option("--cpus", metavar="N", default=2, show_default=True, type=click.IntRange(min=1), help="Processors.")
@click.option(
    "--network",
    metavar="user|BRIDGE",
    default=USER_NETWORK,
    show_default=True,
    help="QEMU's own network, which needs no rights, or a bridge of this host.",
)
@click.option(
    "--disk", "disk_mb", metavar="SIZE", default="", callback=_megabytes, help="A disk, empty at first: 8G, 512M."
)
@click.option(
    "--firmware",
    type=click.Choice([BIOS, UEFI, UEFI_HTTP]),
    help="What it starts with; uefi-http has HTTP boot and no PXE.  [default: bios if its architecture has one]",
)
@pass_site
def command(
    site: Site, noderange: str, memory_mb: int, cpus: int, network: str, disk_mb: int, firmware: str | None
) -> None:
    """Define virtual nodes, which the service of the site runs: QEMU behind a simulated BMC.

    A virtual node that exists already is left as it is. It is a machine of the
    architecture of the image that nodeset sets for it.

    \b
    Example:
      sb mkvm vn[1-3] --memory 2048
      sb mkvm vn4 --firmware uefi --disk 8G
    """
    for name in expand(noderange):
        made = mkvm(
            site, name, network=network, memory_mb=memory_mb, cpus=cpus, disk_mb=disk_mb, firmware=firmware or ""
        )
        click.echo(f"{name}: {'created' if made.created else 'exists already, nothing to do'}")
