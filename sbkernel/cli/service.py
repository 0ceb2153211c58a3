"""Start, stop and show the service of the site."""

from __future__ import annotations

import os
import pwd
import sys
import time
from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.resources import templates
from sbkernel.service.client import Service
from sbkernel.site import Site

NOT_RUNNING = 3  # as in systemctl and the LSB


@click.group(subcommand_metavar="start|stop|restart|status|unit")
def command() -> None:
    """Start, stop or show the service of the site.

    It runs the boot web server, DHCP and TFTP, BMC sessions, consoles, syslog and the virtual nodes. It starts by
    itself when a verb needs it.
    """


@command.command()
@pass_site
def start(site: Site) -> int:
    """Start the service if it is not running."""
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
