"""The manifest of a running node."""

from __future__ import annotations

import shlex
import time

from sbkernel import resources
from sbkernel.errors import NodeError
from sbkernel.nodes.ssh import ssh
from sbkernel.packages import release
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.readers import PROGRAMS, READERS
from sbkernel.site import Site

_SECTION = "\x1d"


def of_node(site: Site, name: str) -> Manifest:
    """Return what is installed on a running node, asked over ssh. Raises NotFoundError, NodeError."""
    return read(ssh(site, name, script()), name, int(time.time()))


def script() -> str:
    """Return the script that a node runs."""
    queries = {name: text for reader in READERS for name, text in reader.queries.items()}
    assignments = "".join(f"{name}={shlex.quote(text)}\n" for name, text in queries.items())
    return assignments + (resources.templates() / "image" / "installed.sh").read_text()


def read(output: str, node: str, made: int) -> Manifest:
    """Return the manifest that the script's output is. Raises NodeError when it is not whole or has no packages."""
    sections = {head: text for head, _, text in (part.partition("\n") for part in output.split(_SECTION)[1:])}
    if "end" not in sections:
        raise NodeError(node, "the list of its packages broke off", hint="try again")
    for reader in READERS:
        if (found := reader.of_node(sections)) is not None:
            return manifest(
                found.packages, family=reader.family, name=node, kind="node", made=made, warnings=found.warnings,
                release=release.parse(sections.get("os-release", "")),
            )  # fmt: skip
    raise NodeError(node, f"it has neither {' nor '.join(PROGRAMS)}")
