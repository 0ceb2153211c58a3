"""Start, stop and show the service of the site."""

from __future__ import annotations

import os
import pwd
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import DefinitionError
from sbkernel.netboot.render import render_template
from sbkernel.nodes.virtual.throwaway import sweep
from sbkernel.resources import templates
from sbkernel.service.client import Service
from sbkernel.site import Site

NOT_RUNNING = 3  # as in systemctl and the LSB


@click.group(subcommand_metavar="start|stop|restart|status|unit|nginx")
def command() -> None:
    """Start, stop or show the service of the site.

    It runs the boot web server, DHCP and TFTP, BMC sessions, consoles, syslog and the virtual nodes. It starts by
    itself when a verb needs it.
    """


@command.command()
@pass_site
def start(site: Site) -> int:
    """Start the service if it is not running."""
    sweep(site)
    return _show(Service(site).ensure())


@command.command()
@pass_site
def stop(site: Site) -> None:
    """Stop the service, and the virtual nodes with it."""
    click.echo("stopped" if Service(site).stop() else "was not running")


@command.command()
@pass_site
def restart(site: Site) -> int:
    """Stop the service and start it again."""
    service = Service(site)
    service.stop()
    sweep(site)
    return _show(service.ensure())


@command.command()
@pass_site
def status(site: Site) -> int:
    """Show process, addresses and consoles."""
    return _show(Service(site))


@command.command()
@pass_site
def unit(site: Site) -> None:
    """Print a systemd unit for this site."""
    text = (templates() / "systemd" / "sbkernel.service").read_text()
    user = pwd.getpwuid(os.getuid()).pw_name
    for name, value in {"@SITE@": str(site.root), "@PYTHON@": sys.executable, "@USER@": user}.items():
        text = text.replace(name, value)
    click.echo(text, nl=False)


_Callback = Callable[[click.Context, click.Parameter, str | None], str | None]


def _matching(pattern: str, what: str) -> _Callback:
    """Return what checks that the value of an option can be written to a file of nginx as it is."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(pattern, text):
            raise click.BadParameter(f"{text!r} is not {what}")
        return text

    return check


_path = _matching(r"/[A-Za-z0-9_./@+-]*", "a full path of letters, digits and _ . / @ + -")


@command.command()
@click.option(
    "--server",
    metavar="HOST:PORT",
    callback=_matching(r"[A-Za-z0-9_.-]+:\d{1,5}", "HOST:PORT"),
    help="What it stands in front of.  [default: master and httpport of the site]",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Where it listens.  [default: httpport of the site]")
@click.option(
    "--cache",
    metavar="DIR",
    callback=_path,
    default="/var/cache/nginx-sbkernel",
    show_default=True,
    help="What it keeps.",
)
@click.option(
    "--size",
    metavar="SIZE",
    callback=_matching(r"[1-9]\d{0,8}[kmgKMG]", "a size such as 50g"),
    default="50g",
    show_default=True,
    help="How much.",
)
@click.option("--files", metavar="DIR", callback=_path, help="A copy of the site, whose catalog is asked first.")
@pass_site
def nginx(site: Site, server: str | None, port: int | None, cache: str, size: str, files: str | None) -> None:
    """Print what nginx reads on a service node, to be a cache in front of us.

    \b
    Example, and then nodes are told of it:
      sb service nginx | ssh sn1 'cat >/etc/nginx/conf.d/sbkernel.conf'
      sb chdef -t group compute servicenode=sn1
    """
    if server is None and not site.address:
        raise DefinitionError(
            "the site does not say at which address a service node reaches this host",
            hint="sb chdef -t site master=ADDRESS, or --server HOST:PORT",
        )
    values = {
        "server": server or f"{site.address}:{site.http_port}",
        "port": port or site.http_port,
        "cache": cache,
        "size": size,
        "files": files or "",
    }
    click.echo(render_template("nginx/cache.conf", **values), nl=False)


def _show(service: Service) -> int:
    said = service.status()
    if said is None:
        click.echo("not running")
        return NOT_RUNNING
    click.echo(f"running: pid {said['pid']}, since {_clock(said['since'])}, version {said['version']}")
    click.echo(f"site:    {said['site']}")
    for address in said["addresses"]:
        click.echo(f"boot:    http://{address}:{said['http_port']}/  syslog {address}:{said['syslog_port']}")
    for loop in said["loops"]:
        click.echo(f"runs:    {_loop_line(loop, said['children'].get(loop['name']))}")
    _show_consoles(said)
    if refused := said.get("refused"):
        click.echo("refused: " + ", ".join(f"{count} {why}" for why, count in sorted(refused.items())))
    if said["restart"]:
        click.echo("dhcpinterfaces has changed; sb service restart applies it")
    return 0


def _show_consoles(said: dict[str, Any]) -> None:
    consoles: dict[str, str] = said["consoles"]
    connected = sum(state == "connected" for state in consoles.values())
    click.echo(f"nodes:   {said['nodes']}, consoles {connected} of {len(consoles)} connected")
    for node, state in consoles.items():
        if state != "connected":
            click.echo(f"         {node}: {state}")


def _loop_line(loop: dict[str, Any], pid: int | None) -> str:
    words = [loop["name"]]
    if pid:
        words.append(f"pid {pid}")
    if not loop["running"]:
        words.append("not running at the moment")
    if loop["restarts"]:
        words.append("restarted once" if loop["restarts"] == 1 else f"restarted {loop['restarts']} times")
    if loop["error"]:
        words.append(f"last error {_clock(loop['failed'])}: {loop['error']}")
    return ", ".join(words)


def _clock(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch_s))
