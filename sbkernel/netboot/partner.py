"""A second process that sets nodes with us, where there are thousands and another processor: we from the first on, it
from the last.

It is started before it is known what is to be done, as it takes a while until it is ready. Each takes a turn from a
pipe before it does a part; so it does not matter which is faster, and what it has not done when it dies, we do.

    python -m sbkernel.netboot.partner TURNS ORDER ANSWER      descriptors: a pipe, and two files in memory
"""

from __future__ import annotations

import contextlib
import functools
import json
import marshal
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple, cast

from sbkernel.errors import NodeError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference, parse
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.spawn import DEVNULL, PIPE, end, spawn_here
from sbkernel.netboot.bootplan import Bootable
from sbkernel.netboot.planning import Asked, bootable, planner
from sbkernel.netboot.unchanged import Files, below_boot
from sbkernel.netboot.writing import Writer, Written
from sbkernel.site import Site

MANY = 2000
"""Fewer nodes are set before a second process is ready."""
_PART = 100
_GO = b"."
_PATIENCE_S = 1.0
"""It ends by itself when its input does."""


class Order(NamedTuple):
    """What is to be done with which nodes, part by part.

    `chosen` has the digest of the version that each word names for us, `refused` what plain() makes of errors.
    """

    root: str
    asked: Asked
    parts: Sequence[Sequence[str]]
    chosen: Mapping[str, str]
    refused: Mapping[str, Sequence[str | None]]


def has_use(count: int) -> bool:
    """Tell whether so many nodes are set faster by two."""
    return count >= MANY and len(os.sched_getaffinity(0)) > 1


def in_parts(names: Sequence[str]) -> list[Sequence[str]]:
    """Return names in parts of which each is done by one: no more than fit into a pipe as turns."""
    size = max(_PART, len(names) // 4000)
    return [names[start : start + size] for start in range(0, len(names), size)]


class Partner:
    """The other process. Use it as a context manager; what it does ends with the block."""

    def __enter__(self) -> Partner:
        with ExitStack() as begun:
            self._turns, self._all_turns = (
                begun.enter_context(os.fdopen(one, mode, buffering=0))
                for one, mode in zip(os.pipe2(os.O_CLOEXEC), ("rb", "wb"), strict=True)
            )
            self._order, self._answer = (
                begun.enter_context(os.fdopen(os.memfd_create(name, os.MFD_CLOEXEC), "r+b", buffering=0))
                for name in ("order", "answer")
            )
            descriptors = [file.fileno() for file in (self._turns, self._order, self._answer)]
            self._process = spawn_here(
                [sys.executable, "-m", __name__, *map(str, descriptors)],
                env=module_environment(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # what it cannot do we do, and say why that fails
                pass_fds=descriptors,
            )
            self._open = begun.pop_all()
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        with self._open:
            self._pipes[0].close()
            end(self._process, grace_s=0.0, patience_s=0.0 if kind else _PATIENCE_S)
            self._pipes[1].close()

    def parts(self, order: Order) -> Iterator[Sequence[str]]:
        """Let it begin; yield the names that are ours to do, part by part."""
        with self._all_turns:
            self._all_turns.write(_GO * len(order.parts))
        self._order.write(json.dumps(order).encode())
        self._tell()
        return _taken(self._turns.fileno(), order.parts)

    def written(self) -> Written:
        """Wait until it has no more to do; return what it has done: nothing if it has failed."""
        return _unpacked(self._read()) if self._is_ready() else Written()

    def look(self) -> bool:
        """Let it look at the files below boot/ while we do something else; return false if it is dead."""
        return self._tell()

    def looked(self) -> Files | None:
        """Wait until it has done so, and return what it has found; None if it has failed."""
        return marshal.loads(self._read()) if self._is_ready() else None  # noqa: S302 - it is ours

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Its input and its output."""
        return cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def _tell(self) -> bool:
        """Tell it to go on; return false if it is dead."""
        with contextlib.suppress(BrokenPipeError):
            return bool(self._pipes[0].write(_GO))
        return False

    def _is_ready(self) -> bool:
        """Wait until it says that its answer is there; return false if it ends before."""
        return self._pipes[1].read(1) == _GO

    def _read(self) -> bytes:
        descriptor = self._answer.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _taken(turns: int, parts: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    for part in parts:
        if not os.read(turns, 1):
            return
        yield part


def named(words: Iterable[str], chosen_of: Callable[[str], Bootable]) -> dict[str, str]:
    """Return the digest of the version that each word names; words that name none are left out."""
    found = {}
    for word in words:
        with contextlib.suppress(SbkernelError):
            found[word] = chosen_of(word).version.digest
    return found


def plain(errors: Mapping[str, NodeError]) -> dict[str, tuple[str, str | None]]:
    """Return errors of nodes as plain values."""
    return {node: (error.message.removeprefix(f"{node}: "), error.hint) for node, error in errors.items()}


def _errors(values: Mapping[str, Sequence[str | None]]) -> dict[str, NodeError]:
    return {node: NodeError(node, str(message), hint=hint) for node, (message, hint) in values.items()}


def _packed(written: Written) -> bytes:
    attributes = {node: dict(values) for node, values in written.attributes.items()}
    seen = {place: dict(names) for place, names in written.seen.items()}
    return marshal.dumps((written.states, plain(written.errors), attributes, seen))


def _unpacked(content: bytes) -> Written:
    states, errors, attributes, seen = marshal.loads(content)  # noqa: S302 - it is ours
    return Written(states, _errors(errors), attributes, seen)


def _chosen_of(site: Site, digests: Mapping[str, str]) -> Callable[[str], Bootable]:
    """Return what finds the version of a word: that which was found when the order was given, whatever it is now."""

    @functools.cache
    def chosen_of(word: str) -> Bootable:
        wanted = str(Reference(parse(word).image, digests[word])) if word in digests else word
        return replace(bootable(site, Catalog(site).find, wanted), assigned=word)

    return chosen_of


def main() -> None:
    """Do our parts of the order once there is one, then look at what is there, if that is wanted."""
    turns, order, answer = map(int, sys.argv[1:])
    if not _may_go_on():
        return
    given = Order(*json.loads(Path(f"/proc/self/fd/{order}").read_bytes()))
    with Site.open(given.root) as site:
        plan = planner(site, Asked(*given.asked), _chosen_of(site, given.chosen))
        with Writer(site, plan, _errors(given.refused)) as writer:
            for names in _taken(turns, given.parts[::-1]):
                writer.write(site.nodes.many(names))
        _answer(answer, _packed(writer.written))
        if _may_go_on():
            _answer(answer, marshal.dumps(below_boot(site.boot)))


def _may_go_on() -> bool:
    return os.read(sys.stdin.fileno(), 1) == _GO


def _answer(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, content, 0)
    os.write(sys.stdout.fileno(), _GO)


if __name__ == "__main__":
    main()
