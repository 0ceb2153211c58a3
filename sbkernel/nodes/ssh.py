"""Run commands on nodes as root: with the site's key, and only where the host key is the one the node reported."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.errors import CommandError, NodeError, SbkernelError
from sbkernel.jobs.run import run
from sbkernel.netboot import bootlog
from sbkernel.nodes.virtual.qemu import USER_NETWORK
from sbkernel.site import Site

CONNECT_TIMEOUT_S = 15
ALIVE_S, MISSED = 15, 4
"""A node that says nothing for so long, so many times, is lost (ssh_config(5), ServerAliveInterval)."""
ROOT = "root"
_HOST_KEY = re.compile(r"(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+")
_FAILED = 255  # ssh(1): the exit status of ssh itself


def ssh(site: Site, node: str, script: str, *, timeout_s: float = 120) -> str:
    """Run a script of sh on a node and return what it wrote to standard output.

    Raises NotFoundError for an unknown node, NodeError when it cannot be reached, is not who it was when it booted,
    or the script fails.
    """
    with reaching(site, node) as way:
        try:
            return run(way.argv(), input=script, timeout_s=timeout_s).stdout
        except CommandError as error:
            raise way.error(error) from error


@dataclass(frozen=True)
class Way:
    """How a node is reached, while its known_hosts file is there."""

    node: str
    key: Path
    known_hosts: Path
    host: str
    port: int
    user: str = ROOT

    def argv(self, command: str = "sh -s", *, connect_s: float = CONNECT_TIMEOUT_S) -> list[str]:
        """Return the argv that runs a command of sh on the node."""
        return argv(self.key, self.known_hosts, self.host, self.port, command, user=self.user, connect_s=connect_s)

    @property
    def far(self) -> str:
        """Return the user and host as scp(1) takes them before a path."""
        return f"{self.user}@[{self.host}]:"

    @property
    def copying(self) -> list[str]:
        """Return the beginning of the argv that copies files from or to the node."""
        return ["scp", "-P", str(self.port), *common(self.key, self.known_hosts, CONNECT_TIMEOUT_S)]

    def error(self, error: CommandError) -> NodeError:
        """Return what to raise when that argv has failed."""
        return _node_error(self.node, error)


@contextmanager
def reaching(site: Site, node: str) -> Iterator[Way]:
    """Yield how a node is reached, for a block. Raises NotFoundError for an unknown node."""
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        yield _way(site, site.nodes[node], Path(directory) / "known_hosts")


@contextmanager
def reaching_all(site: Site, nodes: Iterable[str], user: str = ROOT) -> Iterator[Mapping[str, Way | SbkernelError]]:
    """Yield how each of some nodes is reached, or why it is not, for a block. Unknown nodes are left out.

    Each has a file of known hosts of its own, so that no node can pass for another.
    """
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        ways: dict[str, Way | SbkernelError] = {}
        for number, (name, definition) in enumerate(site.nodes.many(nodes).items()):
            try:
                ways[name] = _way(site, definition, Path(directory) / str(number), user)
            except (SbkernelError, ValueError) as error:
                ways[name] = error if isinstance(error, SbkernelError) else NodeError(name, str(error))
        yield ways


def _way(site: Site, node: Definition, known: Path, user: str = ROOT) -> Way:
    host, port = address_of(node)
    known.write_text(known_host(site, node.name, host, port))
    return Way(node.name, site.ssh_key, known, host, port, user)


def address(site: Site, node: str) -> tuple[str, int]:
    """Return where a node listens, as address_of does; NotFoundError for an unknown node."""
    return address_of(site.nodes[node])


def address_of(node: Definition) -> tuple[str, int]:
    """Return where a node listens: a virtual one behind a port of ours, others at their ip or under their name."""
    port = node.get("vmsshport")
    if port and (node.get("vmnics") or USER_NETWORK) == USER_NETWORK:
        return "127.0.0.1", int(port)
    return node.get("ip").partition(",")[0] or node.name, 22


def known_host(site: Site, node: str, host: str, port: int) -> str:
    """Return the line of known_hosts(5) for a node, with the key that it reported when it booted last, or "".

    What a node reports is checked: it becomes a line of a file that ssh reads.
    """
    reported = (str(event.get("hostkey", "")) for event in reversed(bootlog.read(site, node)))
    key = next((key for key in reported if _HOST_KEY.fullmatch(key)), "")
    return f"[{host}]:{port} {key}\n{host} {key}\n" if key else ""


def argv(
    key: Path, known_hosts: Path, host: str, port: int, command: str = "sh -s", *, user: str = ROOT,
    connect_s: float = CONNECT_TIMEOUT_S,
) -> list[str]:  # fmt: skip
    """Return the argv that runs sh on a host; the caller's own known_hosts count, his configuration does not."""
    return ["ssh", "-p", str(port), *common(key, known_hosts, connect_s), f"{user}@{host}", command]


def common(key: Path, known_hosts: Path, connect_s: float) -> list[str]:
    """Return the options that ssh and scp share."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(max(1, round(connect_s))),
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "ServerAliveCountMax": str(MISSED),
        "ServerAliveInterval": str(ALIVE_S),
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f"{known_hosts} ~/.ssh/known_hosts",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["-F", "none", "-i", str(key), *words]


def _node_error(node: str, error: CommandError) -> NodeError:
    said = error.tail.strip().splitlines()[-1:] or [error.hint or f"exit status {error.returncode}"]
    if error.returncode != _FAILED:
        return NodeError(node, f"the command failed there: {said[0]}")
    if "Host key verification failed" in error.tail:
        return NodeError(
            node,
            "its host key is not the one it reported when it booted",
            hint="a node that booted by itself, or somebody else's machine: boot it again, or ssh to it once yourself",
        )
    return NodeError(node, f"no ssh: {said[0]}", hint=f"does it run, and did it reach userspace? sb nodestat {node}")
