"""sb lab: JupyterLab on working copies of the notebooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from sbkernel import resources
from sbkernel.cli.common import pass_site
from sbkernel.errors import ToolMissingError
from sbkernel.site import Site

_SAID = {
    "new": "copied",
    "updated": "updated: nobody had changed it, and a newer one is shipped",
    "changed": "kept: somebody has changed it",
}
_INSTALLED_OVERRIDES = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.d" / "sbkernel.json"


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--no-browser", is_flag=True, help="Only print the address; open no browser.")
@click.option("--port", type=int, default=8888, show_default=True, help="TCP port, or the next free one.")
@pass_site
def command(site: Site, directory: Path | None, no_browser: bool, port: int) -> None:
    """Open JupyterLab in DIRECTORY on your own copies of the shipped notebooks.

    The default is the directory notebooks of the site. A copy is updated with the program until somebody changes it;
    after that it is left alone. JupyterLab listens on this host only, and only this user can reach its kernels.
    """
    from importlib.util import find_spec

    from sbkernel.records import library

    if find_spec("jupyterlab") is None:
        raise ToolMissingError("JupyterLab is not installed", hint="python3 -m sbkernel setup")
    target = (directory or library.working_directory(site)).resolve()
    for name, state in library.refresh(site, target).items():
        if state in _SAID:
            click.echo(f"{target / name}: {_SAID[state]}", err=True)
    argv = arguments(target, port, browser=not no_browser)
    sys.stderr.flush()
    # JupyterLab takes over this process, its terminal and its signals.
    os.execve(argv[0], argv, environment(site, os.environ))  # noqa: S606


def arguments(directory: Path, port: int, *, browser: bool) -> list[str]:
    """Return the command line of JupyterLab."""
    argv = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--port={port}",
        f"--ServerApp.root_dir={directory}",
        "--ServerApp.ip=127.0.0.1",
        "--KernelManager.transport=ipc",
        "--MultiKernelManager.default_kernel_name=sbkernel",
    ]
    if (directory / "start-here.ipynb").exists():
        argv.append("--LabApp.default_url=/lab/tree/start-here.ipynb")
    if not _INSTALLED_OVERRIDES.exists():  # not installed: the file lies beside the kernel
        argv.append(f"--LabApp.app_settings_dir={resources.templates() / 'jupyter'}")
    if not browser:
        argv.append("--no-browser")
    if os.geteuid() == 0:
        argv.append("--allow-root")
    return argv


def environment(site: Site, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which kernels find the site, and Jupyter what is ours even if it is not installed."""
    shipped = resources.templates() / "jupyter"
    added = {"JUPYTER_PATH": shipped, "JUPYTER_CONFIG_PATH": shipped / "config"}
    paths = {name: os.pathsep.join(filter(None, [inherited.get(name), str(path)])) for name, path in added.items()}
    return {**inherited, "SBKERNEL_SITE": str(site.root), **paths}
