"""The manifest of a running node."""

from __future__ import annotations

import base64
import binascii
import shlex
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import NodeError
from sbkernel.nodes.ssh import ssh
from sbkernel.packages import debcopyright, dnf, dpkg, manifest, rpm, treefile
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import DEB, RPM, Package
from sbkernel.packages.rpm import Reasons
from sbkernel.site import Site

_QUERIES = {"dpkg_query": dpkg.QUERY, "rpm_query": rpm.QUERY, "copyright_lines": debcopyright.LINES}
_SECTION = "\x1d"


def of_node(site: Site, name: str) -> Manifest:
    """Return what is installed on a running node, asked over ssh. Raises NotFoundError, NodeError."""
    return read(ssh(site, name, script()), name, int(time.time()))


def script() -> str:
    """Return the script that a node runs."""
    queries = "".join(f"{name}={shlex.quote(text)}\n" for name, text in _QUERIES.items())
    return queries + (resources.templates() / "image" / "installed.sh").read_text()


def read(output: str, node: str, made: int) -> Manifest:
    """Return the manifest that the script's output is. Raises NodeError when it is not whole or has no packages."""
    sections = {head: text for head, _, text in (part.partition("\n") for part in output.split(_SECTION)[1:])}
    if "end" not in sections:
        raise NodeError(node, "the list of its packages broke off", hint="try again")
    family, packages, warnings = _packages(sections, node)
    release = treefile.release(sections.get("os-release", ""))
    return manifest.manifest(
        packages, family=family, name=node, kind="node", release=release, made=made, warnings=warnings
    )


def _packages(sections: Mapping[str, str], node: str) -> tuple[str, list[Package], list[str]]:
    if "dpkg" in sections:
        states = sections.get("extended_states")
        auto = None if states is None else dpkg.auto_installed(states)
        known = dpkg.Known(auto=auto, licences=debcopyright.of_grep(sections.get("copyright", "")))
        return DEB, *dpkg.packages(sections["dpkg"], known)
    if "rpm" in sections:
        return RPM, rpm.packages(sections["rpm"], _reasons(sections)), []
    raise NodeError(node, "it has neither dpkg nor rpm")


def _reasons(sections: Mapping[str, str]) -> Reasons:
    if "history.sqlite" in sections:
        return _of_history(sections)
    if "packages.toml" in sections:
        return dnf.of_states(sections["packages.toml"], sections.get("nevras.toml", ""))
    auto = sections.get("AutoInstalled")
    return Reasons() if auto is None else dnf.of_auto_installed(auto)


def _of_history(sections: Mapping[str, str]) -> Reasons:
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        for name in ("history.sqlite", "history.sqlite-wal"):
            try:
                data = base64.b64decode(sections.get(name, ""))
            except binascii.Error:
                return Reasons()
            if data:
                (Path(directory) / name).write_bytes(data)
        return dnf.of_history(Path(directory) / "history.sqlite")
