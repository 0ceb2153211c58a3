"""sb genimage: build the root tree, kernel and initrd of an osimage."""

from __future__ import annotations

from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import SbkernelError
from sbkernel.images.genimage import plan_genimage
from sbkernel.images.order import order_genimage
from sbkernel.site import Site


@click.command("genimage")
@click.option(
    "--dry-run", "--dryrun", "dry_run", is_flag=True, help="Show the steps and which of them would run; build nothing."
)
@click.option("--force", is_flag=True, help="Build everything again, packages included.")
@click.option("--onlyinitrd", is_flag=True, help="Keep the root tree as it is; only make kernel and initrd again.")
@click.option(
    "-n",
    "netdrivers",
    default="",
    metavar="DRIVERS",
    help="Network drivers in the initrd, stored in the osimage. Default: netdrivers of the osimage.",
)
@click.option(
    "-k",
    "kernelver",
    default="",
    metavar="VERSION",
    help="Kernel version to boot, stored in the osimage. Default: kernelver of the osimage, or the newest.",
)
@click.option(
    "--plan", default="", metavar="DIGEST", help="Build only if the plan is still the one that --dry-run showed."
)
@click.option("--any-plan", is_flag=True, help="With --plan: go on with another plan, and log what differs.")
@click.option("-o", "-p", "-a", "obsolete", hidden=True)
@click.argument("image")
@pass_site
def command(
    site: Site,
    dry_run: bool,
    force: bool,
    onlyinitrd: bool,
    netdrivers: str,
    kernelver: str,
    plan: str,
    any_plan: bool,
    obsolete: str | None,
    image: str,
) -> None:
    """Build the root tree, kernel and initrd of IMAGE in its rootimgdir.

    Only steps whose inputs have changed run again. The build is a job: Ctrl-C cancels it, and after a lost connection
    `sb attach` shows it again.

    \b
    Examples:
      sb genimage --dry-run mine
      sb genimage mine && sb packimage mine
    """
    if obsolete is not None:
        raise SbkernelError("-o, -p and -a options are not allowed when a image name is specified.")
    if dry_run:
        click.echo(plan_genimage(site, image, netdrivers=netdrivers, kernelver=kernelver))
        return
    click.echo("Generating image: ")
    options: dict[str, Any] = {
        "force": force,
        "onlyinitrd": onlyinitrd,
        "netdrivers": netdrivers,
        "kernelver": kernelver,
    }
    options["any_plan"] = any_plan
    click.echo(summary(follow(order_genimage(site, image, plan=plan, **options))))


def summary(done: dict[str, Any]) -> str:
    """Return the result of genimage as text."""
    what = f"built: {', '.join(done['built'])}" if done["built"] else "nothing to do: nothing has changed"
    if done["built"] and done["cached"]:
        what += f" (unchanged: {', '.join(done['cached'])})"
    offline = ["the package sources could not be reached: the package lists are from the last time"]
    return "\n".join([
        *(offline if done.get("offline") else []),
        what,
        f"{done['packages']} packages, kernel {done['kernelver']}, {done['seconds']:.1f} s",
        f"root tree: {done['rootimgdir']}/rootimg",
    ])  # fmt: skip
