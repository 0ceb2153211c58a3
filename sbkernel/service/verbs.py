"""What notebooks and the command line call: power, boot device, waiting for a boot, the end of a console."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypedDict, Unpack

from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.store.journal import user
from sbkernel.errors import NodeError
from sbkernel.jobs.origin import current
from sbkernel.netboot import bootlog
from sbkernel.nodes.results import NodeReport, NodeResult
from sbkernel.service.client import Service
from sbkernel.service.protocol import Message
from sbkernel.site import Site

_POLL_S = 0.2
_TAIL_LINES = 12


Nodes = str | Sequence[str]
"""A noderange, or the names of nodes: exactly these, whatever has become of a range or a group meanwhile."""


class CareOptions(TypedDict, total=False):
    """How carefully power changes; what is left out is as the site says."""

    override_hold: bool
    """Touch nodes, too, that somebody holds."""
    rate: float | str
    """Start so many nodes a second, or `none` for all at once."""
    canary: int
    """Do so many nodes first, and the others only when these are well."""
    until: str
    """The stage of its boot that a canary must reach, such as booted."""
    within: float
    """How many seconds a canary has."""
    abort: str
    """Stop when more than this share of the last 50 nodes fails, such as 10%; `none`: never."""
    origin: str
    """Where the request comes from, if not from a record or a notebook."""
    asked: str
    """The noderange as somebody typed it."""


def rpower(
    site: Site, nodes: Nodes, action: str, confirm: int | None = None, **care: Unpack[CareOptions]
) -> list[NodeResult]:
    """Power nodes (xCAT rpower): on off softoff reset boot cycle stat nmi; one result a node, good or bad.

    More than 8 nodes are switched off or reset only when `confirm` is their count; else DefinitionError. Nodes that
    start do so at the pace of the site. Ctrl-C, or the stop button of a notebook, stops what was not sent yet.
    """
    return list(rpower_each(site, nodes, action, confirm, **care))


def rpower_each(
    site: Site,
    nodes: Nodes,
    action: str,
    confirm: int | None = None,
    *,
    on_note: Callable[[str], None] = lambda _text: None,
    **care: Unpack[CareOptions],
) -> Iterator[NodeResult]:
    """Do as rpower does, yielding each node's result as it comes; `on_note` is told what concerns all of them.

    After Ctrl-C the results of all nodes still come, then KeyboardInterrupt says which were left untouched.
    """
    arguments = {"action": action, "confirm": confirm, **care, **_asked(nodes, care.get("origin", ""))}
    return _carefully(site, "rpower", on_note, arguments)


def rsetboot(
    site: Site, nodes: Nodes, device: str, *, persistent: bool = False, uefi: bool = False, **care: Unpack[CareOptions]
) -> list[NodeResult]:  # fmt: skip
    """Set what nodes boot next (xCAT rsetboot): net hd cd floppy default setup, or ask (`stat`).

    It holds for one boot unless `persistent`. One result a node. Of the care that rpower takes, this has holds,
    canaries (which must say what was set), abort, and Ctrl-C, which stops what was not sent yet.
    """
    return list(rsetboot_each(site, nodes, device, persistent=persistent, uefi=uefi, **care))


def rsetboot_each(
    site: Site, nodes: Nodes, device: str, *, on_note: Callable[[str], None] = lambda _text: None, **options: Any
) -> Iterator[NodeResult]:
    """Do as rsetboot does, yielding each node's result as it comes; the rest is as for rpower_each."""
    arguments = {"action": device, **options, **_asked(nodes, options.get("origin", ""))}
    return _carefully(site, "rsetboot", on_note, arguments)


def _carefully(
    site: Site, verb: str, on_note: Callable[[str], None], arguments: dict[str, Any]
) -> Iterator[NodeResult]:  # fmt: skip
    service = Service(site)
    untouched: list[str] = []
    with ExitStack() as stack:
        was_stopped = False

        def stop(run: str) -> None:
            nonlocal was_stopped
            was_stopped = True
            list(service.call("cancel", run=run, user=user()))

        for answer in service.call(verb, **arguments):
            if "run" in answer:
                stack.enter_context(_on_interrupt(functools.partial(stop, answer["run"])))
            if "node" in answer:
                result = _result(answer)
                untouched += [result.node] * result.untouched
                yield result
            elif note := answer.get("note"):
                on_note(str(note))
    if was_stopped:
        raise KeyboardInterrupt(f"not sent to {fold(untouched)}" if untouched else "everything had been sent")


def rinv(site: Site, nodes: Nodes, what: str = "all") -> list[NodeReport]:
    """Tell what nodes are made of (xCAT rinv): all model serial asset vpd deviceid guid firm bios mac config dimm.

    One report a node. `pandas.DataFrame(rows_of(reports))` has one row an item: node, kind, name, value.
    """
    return list(hardware_each(site, "rinv", nodes, what))


def rvitals(site: Site, nodes: Nodes, what: str = "all") -> list[NodeReport]:
    """Tell what the sensors of nodes say (xCAT rvitals): all temp voltage wattage fanspeed power leds.

    One report a node. `pandas.DataFrame(rows_of(reports))` has one row a sensor: node, kind, name, value, unit, state,
    health.
    """
    return list(hardware_each(site, "rvitals", nodes, what))


def reventlog(site: Site, nodes: Nodes, what: int | str = "all", *, newest_first: bool = False) -> list[NodeReport]:
    """Show the event logs of nodes (xCAT reventlog): the newest entries, or all; `clear` empties them.

    One report a node. `pandas.DataFrame(rows_of(reports))` has one row an entry: node, time, source, event, severity.
    """
    return list(hardware_each(site, "reventlog", nodes, str(what), newest_first=newest_first))


def rbeacon(site: Site, nodes: Nodes, action: str = "stat") -> list[NodeReport]:
    """Switch the lights that show where nodes are, or look at them (xCAT rbeacon): on blink off stat."""
    return list(hardware_each(site, "rbeacon", nodes, action))


def hardware_each(site: Site, verb: str, nodes: Nodes, action: str, **options: Any) -> Iterator[NodeReport]:
    """Do as rinv, rvitals, reventlog and rbeacon do, yielding each node's report as it comes."""
    for answer in Service(site).call(verb, **_asked(nodes), action=action, **options):
        hint, rows = answer["hint"], answer["rows"]
        yield NodeReport(str(answer["node"]), bool(answer["ok"]), str(answer["text"]), hint, rows=rows)


def wait_for(site: Site, node: str, stage: str = "login", timeout_s: float = 600.0) -> bootlog.BootEvent:
    """Wait until the boot that began last reaches a stage and return its event.

    Raises NodeError with the reason as soon as the boot has failed, and after `timeout_s`; its hint says where the
    boot stands and why, and how the node's console ends.
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
            raise NodeError(node, f"no {stage} within {timeout_s:g} s; last: {last}", hint=boot_hint(site, node))
        time.sleep(_POLL_S)


def console_tail(site: Site, node: str, lines: int = 25) -> str:
    """Return the last lines that a node wrote to its console, as plain text; "" when there are none."""
    # It writes logs, too, and whoever only asks for power starts sooner without it.
    from sbkernel.service.console.conlog import last_lines

    return "\n".join(last_lines(site.consoles / f"{node}.log", lines))


def boot_hint(site: Site, node: str) -> str | None:
    """Return where the boot of a node stands, why, what to do, and the end of its console; None if all is well."""
    # Imported only here: rpower needs nothing of it, and starts in half the time.
    from sbkernel.service.stuck import stuck

    found = stuck(site, [node]).nodes[0]
    tail = console_tail(site, node, _TAIL_LINES)
    told = [] if found.is_well and not tail else [found.text]
    told += [*(f"  {one}" for one in found.evidence), *([f"do: {found.do}"] if found.do else [])]
    return "\n".join([*told, *([f"its console ends with:\n{tail}"] if tail else [])]) or None


def _asked(nodes: Nodes, where: str = "") -> dict[str, Any]:
    """Return what a request says of its nodes and of who asks."""
    named = {"noderange": nodes} if isinstance(nodes, str) else {"nodes": list(nodes)}
    return {**named, "user": user(), "origin": _origin(where)}


def _origin(where: str) -> str:
    """Say where a request comes from, for the power log."""
    record = current().record
    if record:
        return f"record {record['path']}" if record.get("path") else f"notebook {record.get('notebook', '')}"
    return where or ("notebook" if _in_kernel() else "Python")


def _in_kernel() -> bool:
    """Tell whether a Jupyter kernel runs this; that its library is loaded does not say so."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


def _result(answer: Message) -> NodeResult:
    untouched = bool(answer.get("untouched"))
    return NodeResult(str(answer["node"]), bool(answer["ok"]), str(answer["text"]), answer["hint"], untouched)


@contextlib.contextmanager
def _on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Call a function at the first Ctrl-C; the second one does what it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupted(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _raise_failed(site: Site, node: str, events: list[bootlog.BootEvent]) -> None:
    failed = next((event for event in events if event["stage"] == "failed"), None)
    if failed:
        reason = failed.get("reason") or "the node gave no reason"
        raise NodeError(node, f"boot failed: {reason}", hint=boot_hint(site, node))
