"""What notebooks and the command line call: power, boot device, waiting for a boot, the end of a console."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sbkernel.errors import NodeError
from sbkernel.netboot import bootlog
from sbkernel.nodes.results import NodeResult
from sbkernel.service.client import Service
from sbkernel.service.conlog import last_lines
from sbkernel.site import Site

_POLL_S = 0.2
_TAIL_LINES = 12


Nodes = str | Sequence[str]
"""A noderange, or the names of nodes: exactly these, whatever has become of a range or a group meanwhile."""


def rpower(site: Site, nodes: Nodes, action: str, confirm: int | None = None) -> list[NodeResult]:
    """Power nodes (xCAT rpower): on off softoff reset boot cycle stat nmi; one result a node, good or bad.

    More than 8 nodes are switched off or reset only when `confirm` is their count; else DefinitionError.
    """
    return list(rpower_each(site, nodes, action, confirm))


def rpower_each(site: Site, nodes: Nodes, action: str, confirm: int | None = None) -> Iterator[NodeResult]:
    """Do as rpower does, yielding each node's result as it comes."""
    return _results(Service(site), "rpower", **_named(nodes), action=action, confirm=confirm)


def rsetboot(
    site: Site, nodes: Nodes, device: str, *, persistent: bool = False, uefi: bool = False
) -> list[NodeResult]:
    """Set what nodes boot next (xCAT rsetboot): net hd cd floppy default setup, or ask (`stat`).

    It holds for one boot unless `persistent`. One result a node.
    """
    options = {"action": device, "persistent": persistent, "uefi": uefi}
    return list(_results(Service(site), "rsetboot", **_named(nodes), **options))


def wait_for(site: Site, node: str, stage: str = "login", timeout_s: float = 600.0) -> bootlog.BootEvent:
    """Wait until the boot that began last reaches a stage and return its event.

    Raises NodeError with the reason as soon as the boot has failed, and after `timeout_s`; its hint is the end of
    the node's console.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        events = bootlog.read(site, node)
        found = next((event for event in events if event["stage"] == stage), None)
        if found:
            return found
        _raise_failed(site, node, events)
        if time.monotonic() >= deadline:
            last = events[-1]["stage"] if events else "nothing was heard of it"
            raise NodeError(node, f"no {stage} within {timeout_s:g} s; last: {last}", hint=_console_hint(site, node))
        time.sleep(_POLL_S)


def console_tail(site: Site, node: str, lines: int = 25) -> str:
    """Return the last lines that a node wrote to its console, as plain text; "" when there are none."""
    return "\n".join(last_lines(site.consoles / f"{node}.log", lines))


def _named(nodes: Nodes) -> dict[str, Any]:
    return {"noderange": nodes} if isinstance(nodes, str) else {"nodes": list(nodes)}


def _results(service: Service, verb: str, **arguments: Any) -> Iterator[NodeResult]:
    for answer in service.call(verb, **arguments):
        yield NodeResult(str(answer["node"]), bool(answer["ok"]), str(answer["text"]), answer["hint"])


def _raise_failed(site: Site, node: str, events: list[bootlog.BootEvent]) -> None:
    failed = next((event for event in events if event["stage"] == "failed"), None)
    if failed:
        reason = failed.get("reason") or "the node gave no reason"
        raise NodeError(node, f"boot failed: {reason}", hint=_console_hint(site, node))


def _console_hint(site: Site, node: str) -> str | None:
    tail = console_tail(site, node, _TAIL_LINES)
    return f"its console ends with:\n{tail}" if tail else None
