"""Send the files of synclists to nodes that run, over ssh: a node is asked what it has, and gets what differs."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from sbkernel import resources
from sbkernel.errors import DefinitionError, NodeError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import parse as parse_reference
from sbkernel.images.sync.decide import Script, decide, filled_in
from sbkernel.images.sync.sources import FILE, Looker, key_of
from sbkernel.lists import synclist
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.document import ListLine
from sbkernel.lists.syncline import SyncItem
from sbkernel.lists.text import paths_of, variables
from sbkernel.netboot import bootfiles
from sbkernel.netboot.overlay import member
from sbkernel.netboot.scripted import Scripted
from sbkernel.nodes.remote.fanned import FANOUT, Ended, Work, fanned, holding
from sbkernel.nodes.remote.laid import SEPARATOR, Batch, Sending, answers, sending
from sbkernel.nodes.remote.outcomes import Outcome, Outcomes, refused
from sbkernel.nodes.remote.xdsh import Nodes, checked, named, outcome
from sbkernel.nodes.ssh import Way, reaching_all
from sbkernel.site import Site

_ORIGINALS = "/var/xcat/node/syncfiles"
_LOOK_BYTES = 256 << 20
_LAY = (
    'umask 077; d=$(mktemp -d) || exit; trap \'rm -rf "$d"\' EXIT; tar -x -f - -C "$d" && sh "$d/lay.sh"'
    "; status=$?; {after} exit $status"
)
_TELL = "echo {word} >/run/sbkernel/synced"
_TELL_STATUS = 'if [ "$status" = 0 ]; then echo ok; else echo failed; fi >/run/sbkernel/synced;'


@dataclass(frozen=True)
class Files:
    """What goes to which nodes; nodes for which the lists mean the same share a batch."""

    batches: Mapping[str, Batch | SbkernelError | None]
    told: bool = False
    """The node waits to be told how it ended."""

    def each(
        self, ways: Mapping[str, Way | SbkernelError], *, fanout: int, timeout_s: float | None
    ) -> Iterator[Outcome]:
        """Send to every node what it lacks, and yield what came of it."""
        run = _Run(self, ways)
        works: dict[str, Work] = {}
        for node, batch in self.batches.items():
            way = ways[node]
            if isinstance(way, SbkernelError):
                yield refused(node, way)
            elif isinstance(batch, Batch):
                works[node] = _asking(way, batch)
            elif self.told:
                works[node] = Work(way.argv(_TELL.format(word="ok" if batch is None else "failed")))
                run.note(node, batch)
            elif batch is None:
                yield Outcome(node, True)
            else:
                yield refused(node, batch)
        for event in fanned(works, fanout=fanout, silent_s=timeout_s, limit=_LOOK_BYTES, then=run.next_work):
            if not isinstance(event, Ended):
                run.hear(event.node, event.line, event.error)
            else:
                yield run.outcome(event)


def syncfiles(site: Site, nodes: Nodes, *, lists: Sequence[Path] = (), fanout: int = FANOUT,
              timeout_s: float | None = None, verify: bool = False) -> Outcomes:  # fmt: skip
    """Send the files of synclists to nodes: those of the osimage of each node, or those of `lists`.

    Only what differs is sent; scripts of EXECUTE: run when their file has changed. One outcome a node, whose `output`
    names the paths that have changed. Raises NotFoundError for a missing list, ListFileError for what is wrong in one.
    """
    names = named(site, nodes)
    files = of_lists(site, names, lists)
    with reaching_all(site, names) as ways:
        reached = checked(ways) if verify else ways
        return Outcomes.of(files.each(reached, fanout=fanout, timeout_s=timeout_s))


def at_boot(site: Site, nodes: Sequence[str], *, timeout_s: float | None = 300.0) -> Iterator[Outcome]:
    """Send nodes what the versions that they boot keep for boot, and tell each of them how that ended."""
    scripted, catalog = Scripted.of(site), Catalog(site)
    looker, originals = Looker(key_of(site.ssh_key)), _originals(site)
    batches: dict[str, Batch | SbkernelError | None] = {}
    alike: dict[str, Batch | SbkernelError | None] = {}
    for node in nodes:
        try:
            digest = bootfiles.version(site.boot, node)
            lines = scripted.kept(node, catalog.get(digest)) if digest else []
            key = json.dumps(lines)
            if key not in alike:
                alike[key] = _batch([_kept(line) for line in lines], looker, originals, kept=True)
            batches[node] = alike[key]
        except SbkernelError as error:
            batches[node] = error
    with reaching_all(site, nodes) as ways:
        known = {node: batch for node, batch in batches.items() if node in ways}
        yield from Files(known, told=True).each(ways, fanout=FANOUT, timeout_s=timeout_s)


def of_lists(site: Site, nodes: Sequence[str], lists: Sequence[Path] = ()) -> Files:
    """Return what goes to nodes. Raises as syncfiles does, before any node is asked."""
    looker, originals = Looker(key_of(site.ssh_key)), _originals(site)
    ranges = functools.cache(lambda text: frozenset(site.noderange(text)))
    batches: dict[tuple[str, tuple[bool, ...]], Batch | None] = {}
    found: dict[str, Batch | SbkernelError | None] = {}
    items_of = functools.cache(functools.partial(_items, site, tuple(lists)))
    for name, node in site.nodes.many(nodes).items():
        image = parse_reference(node.get("provmethod")).image
        if not lists and image not in site.osimages:
            found[name] = NodeError(
                name, "it has no osimage, which would name synclists", hint="sb nodeset NODE osimage=IMAGE"
            )
            continue
        items = items_of(image)
        meant = tuple(item.noderange is None or name in ranges(item.noderange) for item in items)
        key = (image, meant)
        if key not in batches:
            here = [item._replace(noderange=None) for item, is_meant in zip(items, meant, strict=True) if is_meant]
            batches[key] = _batch(here, looker, originals)
        found[name] = batches[key]
    return Files(found)


def _items(site: Site, lists: tuple[Path, ...], image: str) -> tuple[SyncItem, ...]:
    attributes = site.osimages[image].attributes if image in site.osimages else {}
    paths = lists or tuple(paths_of(attributes.get("synclists", "")))
    values = variables(attributes.get("environvar", ""))
    return tuple(filled_in(item, values, image) for item in synclist.load(paths).items) if paths else ()


def _batch(items: Sequence[SyncItem], looker: Looker, originals: str, *, kept: bool = False) -> Batch | None:
    """Return what lines mean for nodes; None for nothing. A script that is `kept` for boot was copied before."""
    found = {}
    for item in items:
        for word in item.sources:
            look = looker.single if item.clause.startswith("EXECUTE") else looker.matching
            found[word] = look(word, item.line)
    decision = decide(items, found)
    scripts = list(decision.scripts)
    if kept:
        known = {one.item.line for one in scripts}
        for item in items:
            if item.clause == "EXECUTEALWAYS" and item.line not in known:
                scripts += [Script(one, "", item) for one in found[item.sources[0]] if one.kind == FILE]
    layings = [one for one in decision.layings if one.source.kind != "other"]
    for one in layings:
        if not (one.to + one.name).isprintable():
            raise one.item.line.error(f"{shown(one.to)} holds control characters", hint="Rename the file.")
    if not layings and not scripts:
        return None
    return Batch(tuple(layings), tuple(scripts), originals, os.geteuid() or None)


class _Run:
    """What is known of each node while its files are sent: first it is asked, then it gets what it lacks."""

    def __init__(self, files: Files, ways: Mapping[str, Way | SbkernelError]) -> None:
        self._files = files
        self._ways = ways
        self._lines: dict[str, list[str]] = {}
        self._sent: dict[str, Sending] = {}
        self._faults: dict[str, SbkernelError] = {}
        self._sums = functools.cache(_sum)

    def hear(self, node: str, line: str, error: bool) -> None:
        """Note what a node writes: only its standard output answers the question."""
        if not error or node in self._sent:
            self._lines.setdefault(node, []).append(line)

    def note(self, node: str, error: SbkernelError | None) -> None:
        """Note why nothing can be sent to a node, or that there is nothing to send."""
        if error is None:
            self._sent[node] = Sending()
        else:
            self._faults[node] = error

    def next_work(self, ended: Ended) -> Work | None:
        """Return what sends a node what it lacks, when it has answered; None when there is nothing, or no more."""
        node, way, batch = ended.node, self._ways[ended.node], self._files.batches[ended.node]
        if (
            node in self._sent
            or node in self._faults
            or ended.status
            or ended.why
            or not isinstance(way, Way)
            or not isinstance(batch, Batch)
        ):
            return None
        try:
            there = answers(node, batch, self._lines.pop(node, []))
            sums = {one.source.path: self._sums(one.source.path) for one in batch.layings if one.source.kind == FILE}
            self._sent[node] = sent = sending(node, batch, there, sums, lambda path: Path(path).read_bytes())
            packed = _packed(sent)
        except (SbkernelError, OSError) as error:
            self._faults[node] = error if isinstance(error, SbkernelError) else NodeError(node, str(error))
            return Work(way.argv(_TELL.format(word="failed"))) if self._files.told else None
        if not sent.order:
            return Work(way.argv(_TELL.format(word="ok"))) if self._files.told else None
        return Work(way.argv(_LAY.format(after=_TELL_STATUS if self._files.told else "")), packed)

    def outcome(self, ended: Ended) -> Outcome:
        """Return what came of it, when all is over for a node."""
        node = ended.node
        if fault := self._faults.get(node):
            return refused(node, fault)
        sent, lines = self._sent.get(node), self._lines.get(node, [])
        if sent is None:
            return outcome(ended, self._ways[node], "\n".join(lines), "the look at its files")
        failed = [line.split("\t")[1:3] for line in lines if line.startswith("failed\t")]
        said = [line for line in lines if not line.startswith("failed\t")]
        done = outcome(ended, self._ways[node], "\n".join([*([] if failed else sent.changed), *said]), "sending files")
        if not failed or done.ok:
            return done
        number, why = failed[0]
        path = next((line.split(SEPARATOR)[2] for line in sent.order if line.startswith(f"{number}{SEPARATOR}")), "?")
        return replace(done, error=f"{shown(path)}: {why}")


def _asking(way: Way, batch: Batch) -> Work:
    return Work(way.argv(f"exec sh -c {shlex.quote(_text('look.sh').decode())}"), holding(batch.question))


def _packed(sent: Sending) -> Callable[[], IO[bytes]]:
    """Return what opens the tar file for a node, made when it is its turn."""

    def parts() -> Iterator[bytes]:
        yield member("lay.sh", 0o700, _text("lay.sh"))
        yield member("order", 0o600, "".join(f"{line}\n" for line in sent.order).encode(errors="surrogateescape"))
        for number, content in sent.files.items():
            yield member(f"f/{number}", 0o600, content if isinstance(content, bytes) else Path(content).read_bytes())
        yield bytes(1024)

    return lambda: holding(*parts())()


@functools.cache
def _text(name: str) -> bytes:
    return (resources.templates() / "remote" / name).read_bytes()


def _sum(path: str) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _originals(site: Site) -> str:
    """Return the directory on nodes for what files were before they were appended to (setting nodesyncfiledir)."""
    found = site.attribute("nodesyncfiledir") or _ORIGINALS
    if not re.fullmatch(r"(/[\w.+-]+)+", found) or ".." in found.split("/"):
        raise DefinitionError(f"nodesyncfiledir={found} of the site is no full path")
    return found


def _kept(line: Mapping[str, Any]) -> SyncItem:
    """Return a line that a version keeps for boot; its noderange was looked at before."""
    file, _, number = line["line"].rpartition(":")
    where = ListLine(file, int(number), "")
    return SyncItem(line["clause"], tuple(line["sources"]), line["destination"], None, where)
