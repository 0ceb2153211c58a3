"""The rows `boot`: from power-on to login with each kind of root, and the same packed root under dracut's livenet."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from sbkernel import units
from sbkernel.bench import bootsetup
from sbkernel.bench.bootsetup import KINDS, OURS, PEER
from sbkernel.bench.console import ConsoleBoot, Proof
from sbkernel.bench.row import BenchRow, Check, Goal, Share
from sbkernel.bench.samework import same_value
from sbkernel.bench.workspace import Workspace
from sbkernel.errors import NodeError
from sbkernel.netboot import bootlog
from sbkernel.service.client import Service
from sbkernel.service.verbs import console_tail, rpower
from sbkernel.site import Site

GOAL = Goal(0.65)
LIMIT_S = 900.0
# The parts of the boot lie between these stages.
_STAGES = ("power-on", "ipxe", "kernel", "userspace", "login")
PARTS = ("firmware, DHCP", "load kernel and initrd", "kernel and initrd, to root", "userspace, to login")
FACTS: dict[str, Callable[[Proof], str]] = {
    "os-release (sha256)": lambda proof: proof.os_release,
    "package database (sha256)": lambda proof: proof.packages,
    "kernel": lambda proof: proof.kernel,
}
# What a root lies on, that of some kinds of ours not as that of the peer.
ROOTS = {"ram": "overlayfs", "tmpfs": "tmpfs", "zram": "ext2/ext3", "lazy": "overlayfs", "disk": "overlayfs"}


@dataclass(frozen=True)
class Boot:
    """One boot: when each stage was reached (seconds since the epoch), and what the node reported to run."""

    reached: dict[str, float]
    proof: Proof

    @property
    def seconds(self) -> float:
        """Return the seconds from power-on to the login prompt."""
        return self.reached["login"] - self.reached["power-on"]

    @property
    def parts(self) -> list[float]:
        """Return the seconds from each stage to the next."""
        times = [self.reached[stage] for stage in _STAGES]
        return [later - earlier for earlier, later in itertools.pairwise(times)]


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Boot the same image on equal virtual nodes in turn: one for each kind of root, and that of the peer."""
    versions = bootsetup.prepare(work)
    work.say("boot: the first boot with a disk, which writes the root there (not part of its row)")
    first = boot(work.site, OURS["disk"]).seconds
    boots: dict[str, list[Boot]] = {**{OURS[kind]: [] for kind in KINDS}, PEER: []}
    for number in range(1, work.runs_or(1) + 1):
        for node, done in boots.items():
            work.say(f"boot: {node}, run {number}")
            done.append(boot(work.site, node))
    writing = f"the first boot, which fetches the root and writes it to the disk, took {first:.1f} s"
    for kind in KINDS:
        ours, peers = boots[OURS[kind]], boots[PEER]
        fetched = bootsetup.fetched(versions[kind], kind), bootsetup.fetched_by_peer(work.site, versions[KINDS[0]])
        notes = (
            bootsetup.described_sizes(work.site, versions[kind]),
            described_costs(fetched, ours, peers),
            *([writing] if kind == "disk" else []),
        )
        yield boot_row(ours, peers, kind=kind, notes=notes)


def boot(site: Site, node: str, limit_s: float = LIMIT_S) -> Boot:
    """Power a node on, follow its console until the prompt and its report, and power it off.

    Raises NodeError if the boot fails or takes longer than `limit_s` seconds.
    """
    console = ConsoleBoot()
    _power(site, node, "off")
    try:
        with Service(site).console(node, mode="spy") as line:
            began = time.time()
            _power(site, node, "on")
            _follow(line, console, began + limit_s)
        return _concluded(site, node, began, console)
    finally:
        _power(site, node, "off")


def _concluded(site: Site, node: str, began: float, console: ConsoleBoot) -> Boot:
    try:
        return booted(began, console, bootlog.read(site, node))
    except ValueError as error:
        raise NodeError(node, str(error), hint=f"its console ends with:\n{console_tail(site, node)}") from None


def booted(began: float, console: ConsoleBoot, events: Sequence[bootlog.BootEvent]) -> Boot:
    """Return the boot that the console and the boot log show. Raises ValueError if it did not succeed."""
    fetched = {str(event["stage"]): float(event["t"]) for event in reversed(events)}
    reached = {"power-on": began, **console.seen, **{key: fetched[key] for key in ("ipxe",) if key in fetched}}
    missing = [stage for stage in _STAGES if stage not in reached]
    if console.failure or missing or console.proof is None:
        raise ValueError(console.failure or f"not reached: {', '.join(missing) or 'the report of what it runs'}")
    return Boot(reached, console.proof)


def _follow(line: socket.socket, console: ConsoleBoot, deadline: float) -> None:
    """Read a console until the boot has ended or failed, or until the deadline."""
    while not console.done and not console.failure and (left_s := deadline - time.time()) > 0:
        line.settimeout(left_s)
        try:
            data = line.recv(65536)
        except TimeoutError:
            return
        if not data:
            return
        console.feed(data, time.time())


def _power(site: Site, node: str, action: str) -> None:
    for result in rpower(site, node, action):
        if not result.ok:
            raise NodeError(node, f"rpower {action}: {result.text}")


def described_costs(fetched: tuple[int, int], ours: Sequence[Boot], peers: Sequence[Boot]) -> str:
    """Return as text the bytes that either side fetches, what ours reads on demand too, and the memory then in use."""
    mine, other = fetched
    read = median(one.proof.read for one in ours)
    memory, others = (units.size(median(one.proof.memory for one in side)) for side in (ours, peers))
    return (
        f"fetched until login: ours {units.size(mine + read)}, the peer {units.size(other)}; "
        f"memory in use then: ours {memory}, the peer {others}"
    )


def boot_row(
    ours: Sequence[Boot], peers: Sequence[Boot], *, kind: str = KINDS[0], notes: Sequence[str] = ()
) -> BenchRow:
    """Make the row of boots under both initrds; for other kinds of root than the usual one there is no goal."""
    parts = [
        Share(name, median(boot.parts[number] for boot in ours), median(boot.parts[number] for boot in peers))
        for number, name in enumerate(PARTS)
    ]
    return BenchRow(
        name="boot" if kind == KINDS[0] else f"boot-{kind}",
        ours=f"power-on to login under our initrd, rootkind={kind}",
        peer="the same packed root, kernel, iPXE and virtual hardware under dracut's livenet initrd",
        ours_s=tuple(boot.seconds for boot in ours),
        peer_s=tuple(boot.seconds for boot in peers),
        checks=(
            *same_root([boot.proof for boot in ours], [boot.proof for boot in peers]),
            same_value("type of the root", _said([boot.proof for boot in ours], lambda proof: proof.root), ROOTS[kind]),
        ),
        goal=GOAL if kind == KINDS[0] else None,
        parts=tuple(parts),
        notes=tuple(notes),
    )


def same_root(ours: Sequence[Proof], peers: Sequence[Proof]) -> tuple[Check, ...]:
    """Check that all boots ended in the same system, as the nodes reported on their consoles."""
    return tuple(same_value(what, _said(ours, fact), _said(peers, fact)) for what, fact in FACTS.items())


def _said(proofs: Sequence[Proof], fact: Callable[[Proof], str]) -> str:
    return " ".join(sorted({fact(proof) for proof in proofs}))
