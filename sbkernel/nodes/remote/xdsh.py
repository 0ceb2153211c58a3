"""xCAT's xdsh: run a command, or a script of this host, on many nodes at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import CommandError, DefinitionError, NodeError, NotFoundError, SbkernelError
from sbkernel.nodes.remote.fanned import FANOUT, OUTPUT_BYTES, Ended, Then, Work, check_fanout, fanned, holding
from sbkernel.nodes.remote.outcomes import Outcome, Outcomes, Said, refused
from sbkernel.nodes.remote.probe import answering
from sbkernel.nodes.ssh import CONNECT_TIMEOUT_S, ROOT, Way, reaching_all
from sbkernel.site import Site

Nodes = str | Sequence[str]
"""A noderange, or the names of nodes."""

_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}\$?", re.IGNORECASE | re.ASCII)
_FAILED = 255  # ssh(1)

# The environment comes first on standard input, then the script; dd reads no byte more than it is told to.
_BEGIN = "d=$(mktemp -d) || exit; trap 'rm -rf \"$d\"' EXIT; "
_ENVIRONMENT = 'dd bs=1 count={size} of="$d/environment" 2>/dev/null && . "$d/environment" || exit; '
_SCRIPT = 'cat >"$d/"{name} && chmod 700 "$d/"{name} || exit; "$d/"{words} </dev/null'


def xdsh(site: Site, nodes: Nodes, command: str, **options: Any) -> Outcomes:
    """Run a command of the shell on nodes and return one outcome for each, by name; none is raised for one node.

    `options` are those of xdsh_each. Outcomes.check raises for the first that failed, Outcomes.frame is a DataFrame.
    """
    return Outcomes.of(xdsh_each(site, nodes, command, **options))


def xdsh_each(
    site: Site, nodes: Nodes, command: str, *, script: Path | None = None, environment: Path | None = None,
    user: str = ROOT, fanout: int = FANOUT, timeout_s: float | None = None, verify: bool = False, stream: bool = False,
) -> Iterator[Said | Outcome]:  # fmt: skip
    """Do as xdsh does, yielding outcomes as they come; with `stream` also each line, and outcomes without output.

    `script` is a file of this host to run there instead, with `command` as its arguments; `environment` is one of
    assignments that is read there before. A node that writes nothing for `timeout_s` is given up. `verify` asks first
    whether it answers. Raises NotFoundError for an unknown node and a missing file, DefinitionError for a wrong option.
    """
    if not _USER.fullmatch(user):
        raise DefinitionError(f"{user!r} is no name of a user")
    if script is None and not command.strip():
        raise DefinitionError("no command", hint="sb xdsh NODERANGE COMMAND")
    check_fanout(fanout)
    names = named(site, nodes)
    text, given = _text(command, script, environment)
    stdin = holding(given) if given else None
    with reaching_all(site, names, user) as ways:
        works: dict[str, Work | SbkernelError] = {}
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s or CONNECT_TIMEOUT_S)
        for node, way in (checked(ways) if verify else ways).items():
            if isinstance(way, SbkernelError):
                works[node] = way
                continue
            words = f"NODE={shlex.quote(node)}; export NODE; {text}"
            works[node] = Work(way.argv(f"exec sh -c {shlex.quote(words)}", connect_s=connect_s), stdin)
        yield from over(works, ways, fanout=fanout, timeout_s=timeout_s, stream=stream)


def named(site: Site, nodes: Nodes) -> list[str]:
    """Return the names of nodes, each once. Raises NotFoundError for one that is not defined."""
    if isinstance(nodes, str):
        return site.noderange(nodes)
    known = site.nodes.many(nodes)
    if missing := [name for name in nodes if name not in known]:
        raise NotFoundError(f"Could not find an object named '{missing[0]}' of type 'node'.")
    return list(known)


def checked(ways: Mapping[str, Way | SbkernelError]) -> dict[str, Way | SbkernelError]:
    """Return the ways, and an error for each node whose sshd does not answer."""
    asked = {node: (way.host, way.port) for node, way in ways.items() if isinstance(way, Way)}
    answers = answering(asked, CONNECT_TIMEOUT_S)
    silent = {
        node: NodeError(node, "it does not answer, so nothing was sent", hint=f"sb nodestat {node}")
        for node in asked
        if not answers[node]
    }
    return {**ways, **silent}


def over(
    works: Mapping[str, Work | SbkernelError], ways: Mapping[str, Way | SbkernelError], *, fanout: int,
    timeout_s: float | None, stream: bool, then: Then = lambda _: None, name: str = "the command",
) -> Iterator[Said | Outcome]:  # fmt: skip
    """Run works over ssh or scp and yield their outcomes, with all that was written, or lines as they come."""
    written: dict[str, list[str]] = {}
    for node, work in works.items():
        if isinstance(work, SbkernelError):
            yield refused(node, work)
    sound = {node: work for node, work in works.items() if isinstance(work, Work)}
    limit = None if stream else OUTPUT_BYTES
    for event in fanned(sound, fanout=fanout, silent_s=timeout_s, limit=limit, then=then):
        if isinstance(event, Ended):
            yield outcome(event, ways[event.node], "\n".join(written.pop(event.node, [])), name)
        elif stream:
            yield event
        else:
            written.setdefault(event.node, []).append(event.line)


def outcome(ended: Ended, way: Way | SbkernelError, output: str, name: str = "the command") -> Outcome:
    """Return what came of a program over ssh that has ended."""
    node, seconds = ended.node, ended.seconds
    if ended.why:
        return Outcome(node, False, None, output, f"{ended.why}, and was ended here", seconds=seconds)
    if ended.status == 0:
        return Outcome(node, True, 0, output, seconds=seconds)
    if ended.status == _FAILED and isinstance(way, Way):
        tail = "\n".join(line for line in ended.tail.splitlines() if not line.endswith("Connection closed"))
        error = way.error(CommandError(["ssh"], ended.status, tail))
        why = error.message.removeprefix(f"{node}: ")
        return Outcome(node, False, None, "", why, error.hint or "", seconds)
    how = f"exit status {ended.status}" if ended.status > 0 else f"signal {-ended.status}"
    return Outcome(node, False, ended.status, output, f"{name} ended with {how}", seconds=seconds)


def _text(command: str, script: Path | None, environment: Path | None) -> tuple[str, bytes]:
    """Return the text of sh that runs on a node, and what it reads: never part of an argv."""
    before = _read(environment, "environment file") if environment else b""
    text = _BEGIN if environment or script else ""
    if environment:
        text += _ENVIRONMENT.format(size=len(before))
    if script is None:
        # The command is not the last in the shell that removes what lies in $d.
        return text + (f"({command}\n) </dev/null" if environment else command), before
    content = _read(script, "script")
    words = " ".join(filter(None, (shlex.quote(script.name), command)))
    return text + _SCRIPT.format(name=shlex.quote(script.name), words=words), before + content


def _read(path: Path, kind: str) -> bytes:
    if not path.is_file():
        raise NotFoundError(f"The {kind} {path} does not exist.", hint="write the path of a file of this host")
    return path.read_bytes()
