"""sb genimage: build the root tree, kernel and initrd of an osimage."""

from __future__ import annotations

from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.cli.images.interactive import ask_image, ask_values, check_terminal
from sbkernel.errors import SbkernelError
from sbkernel.images.options import find_image
from sbkernel.images.order import order_genimage
from sbkernel.site import Site

# xCAT's options that have no meaning here -> why, and what to do instead.
_REFUSED = {
    "mode": ("-m is about statelite images; only stateless ones are built here", "leave -m out"),
    "tmplimit": ("-t is obsolete in xCAT, too", "set the size of /tmp in the fstab of the image"),
    "ignorekernelchk": (
        "--ignorekernelchk is about the drivers of driverupdatesrc, which no image here gets",
        "bring drivers as packages that fit the kernel, by otherpkglist",
    ),
}
_UPDATES = "--noupdate: nothing is updated here; what is installed is exactly what the plan says."


@click.command("genimage")
@click.option(
    "--dry-run", "--dryrun", "dry_run", is_flag=True, help="Show the steps and which of them would run; build nothing."
)
@click.option("--force", is_flag=True, help="Build everything again, packages included.")
@click.option("--clean", is_flag=True, help="Install all packages anew; start from no cached layer of other packages.")
@click.option(
    "--verify", is_flag=True, help="Install all packages anew beside, and fail where that gives another tree."
)
@click.option("--onlyinitrd", is_flag=True, help="Keep the root tree as it is; only make kernel and initrd again.")
@click.option("--interactive", is_flag=True, help="Ask for the image and its values, show the plan, and ask again.")
@click.option("-i", "nodebootif", default="", metavar="NIC", help="Network interface that boots.")
@click.option("-r", "otherifce", default="", metavar="NICS", help="Further interfaces that use DHCP.")
@click.option("-n", "netdrivers", default="", metavar="DRIVERS", help="Network drivers in the initrd.")
@click.option("-k", "kernelver", default="", metavar="VERSION", help="Kernel version to boot. Default: the newest.")
@click.option("-g", "krpmver", default="", metavar="VERSION", help="Version of the kernel package (SLES).")
@click.option("-l", "rootlimit", default="", metavar="SIZE", help="Limit of the root in memory, in addkcmdline.")
@click.option("--permission", default="", metavar="MODE", help="Mode of statelite directories; only stored.")
@click.option("--kerneldir", default="", metavar="DIR", help="Directory of the site's own kernel packages.")
@click.option("--noupdate", is_flag=True, help="Accepted: no package is ever updated behind the plan.")
@click.option("-m", "mode", hidden=True)
@click.option("-t", "tmplimit", hidden=True)
@click.option("--ignorekernelchk", is_flag=True, hidden=True)
@click.option(
    "--plan", default="", metavar="DIGEST", help="Build only if the plan is still the one that --dry-run showed."
)
@click.option("--any-plan", is_flag=True, help="With --plan: go on with another plan, and log what differs.")
@click.option("--locked", is_flag=True, help="Build exactly the packages of the image's lock (sb lock).")
@click.option("--lock", "lock_file", default="", metavar="FILE", help="Build exactly the packages of this lock.")
@click.option("--on", default="", metavar="PLACE", help="Build on another machine: HOST, dask:SCHEDULER, or here.")
@click.option("--shared", is_flag=True, help="Installdir is the same directory there (NFS): copy nothing of it.")
@click.option("-o", "osvers", default="", metavar="OSVERS", help="Without IMAGE: that with this osvers.")
@click.option("-a", "osarch", default="", metavar="ARCH", help="Without IMAGE: that with this osarch.")
@click.option("-p", "profile", default="", metavar="PROFILE", help="Without IMAGE: that with this profile.")
@click.argument("image", required=False, default="")
@pass_site
def command(
    site: Site,
    /,
    image: str,
    dry_run: bool,
    interactive: bool,
    noupdate: bool,
    plan: str,
    osvers: str,
    osarch: str,
    profile: str,
    force: bool,
    clean: bool,
    verify: bool,
    onlyinitrd: bool,
    any_plan: bool,
    locked: bool,
    lock_file: str,
    on: str,
    shared: bool,
    **given: Any,
) -> None:
    """Build the root tree, kernel and initrd of IMAGE in its rootimgdir.

    Only steps whose inputs have changed run again. Values of -i -r -n -k -g -l --permission --kerneldir take the place
    of the osimage's, and are stored in it when the build has succeeded. Without arguments it asks. The build is a job:
    Ctrl-C cancels it, and after a lost connection `sb attach` shows it again.

    With --locked no mirror is asked what there is: packages come from the cache, the lock's own mirror, or by address
    and sha256. If the lists ask for what the lock does not answer, that is an error.

    With --on, or the attribute buildhost, another machine builds: HOST, USER@HOST or HOST:PORT. It needs Python, the
    Debian packages that build, and ssh to it without a password. Lists, scripts, keys and local packages go there, what
    is there already is not sent again; tree, kernel and initrd come back.

    With dask:SCHEDULER a worker of a Dask cluster builds, one of the image's architecture, one image at a time; with
    dask:SCHEDULER?os=debian12 one of that distribution. pip install 'sbkernel[dask]' there and here; start workers by:
    dask worker SCHEDULER --nthreads 1 --preload sbkernel.jobs.launchers.dask.worker

    \b
    Examples:
      sb genimage --dry-run mine
      sb genimage mine && sb packimage mine
      sb genimage mine --on build1
      sb genimage mine --on dask:head1:8786
      sb genimage -o debian12 -p compute
    """
    values = _values(given)
    parts = {"osvers": osvers, "osarch": osarch, "profile": profile}
    if image and any(parts.values()):
        raise SbkernelError("-o, -p and -a options are not allowed when a image name is specified.")
    if interactive or not (image or any(parts.values())):
        check_terminal(image)
        interactive = True
    if any(parts.values()):
        image = find_image(site, **parts)
    if interactive:
        image = image or ask_image(site)
        values = ask_values(site, image, values)
    if noupdate:
        click.echo(_UPDATES, err=True)
    if dry_run or interactive:
        from sbkernel.images.genimage import plan_genimage  # 0.1 s that an order does without

        locks: dict[str, Any] = {"locked": lock_file or locked}
        planned = plan_genimage(site, image, force=force, clean=clean, onlyinitrd=onlyinitrd, **locks, **values)
        click.echo(planned)
        if dry_run or not click.confirm(f"Build {image}?"):
            return
        plan = plan or planned.plan.digest
    how = {"force": force, "clean": clean, "verify": verify, "onlyinitrd": onlyinitrd, "any_plan": any_plan}
    options = {**how, **values}
    options |= {"locked": lock_file or True} if lock_file or locked else {}
    job = order_genimage(site, image, plan=plan, on=on, shared=shared, **options)
    click.echo("Generating image: ")
    click.echo(summary(follow(job)))


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """Return the values among the options; SbkernelError for an option that has no meaning here."""
    for name, (why, instead) in _REFUSED.items():
        if given.pop(name):
            raise SbkernelError(why, hint=instead)
    return {key: value for key, value in given.items() if value}


def summary(done: dict[str, Any]) -> str:
    """Return the result of genimage as text."""
    what = f"built: {', '.join(done['built'])}" if done["built"] else "nothing to do: nothing has changed"
    if done["built"] and done["cached"]:
        what += f" (unchanged: {', '.join(done['cached'])})"
    offline = ["the package sources could not be reached: the package lists are from the last time"]
    return "\n".join([
        *(offline if done.get("offline") else []),
        what,
        *([f"packages: {done['layer']}"] if done.get("layer") else []),
        f"{done['packages']} packages, kernel {done['kernelver']}, {done['seconds']:.1f} s",
        f"root tree: {done['rootimgdir']}/rootimg",
    ])  # fmt: skip
