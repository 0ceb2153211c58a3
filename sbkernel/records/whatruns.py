"""whatruns: from nodes to the versions that they boot and run, and to the records that made those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.definition import Definition
from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import PUBLISH, Move
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.netboot import bootfiles, bootlog
from sbkernel.nodes.results import NodeResult
from sbkernel.records.why import Why, of_version, when
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "node", "ok", "text", "image", "digest", "standing", "boots", "reported", "reported_at", "stage", "provmethod",
    "packed", "by", "record",
)  # fmt: skip


@dataclass(frozen=True)
class NodeRuns(NodeResult):
    """What one node runs: digests that its boot script names and that it reported last, with time (epoch) and stage.

    `why` tells how the reported version came to be, or that which it will boot; None when the catalog has neither.
    """

    boots: str = ""
    reported: str = ""
    reported_at: float = 0.0
    stage: str = ""
    provmethod: str = ""
    why: Why | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        why = self.why
        packed = _packed(why) if why else None
        return {
            "node": self.node, "ok": self.ok, "text": self.text, "image": why.version.image if why else "",
            "digest": why.version.digest if why else "", "standing": _standing(why) if why else "",
            "boots": self.boots, "reported": self.reported, "reported_at": self.reported_at, "stage": self.stage,
            "provmethod": self.provmethod, "packed": packed.t if packed else 0.0,
            "by": f"{packed.by}@{packed.host}" if packed else "",
            "record": why.record.as_uri() if why and why.record else "",
        }  # fmt: skip


@dataclass(frozen=True)
class WhatRuns:
    """One result a node, good or bad."""

    rows: tuple[NodeRuns, ...]

    @property
    def df(self) -> pd.DataFrame:
        """Return a row a node."""
        import pandas as pd

        return pd.DataFrame([row.as_dict() for row in self.rows], columns=list(_COLUMNS))

    def __str__(self) -> str:
        return "\n".join(f"{row.node}: {row.text}" for row in self.rows)


def whatruns(site: Site, noderange: str) -> WhatRuns:
    """Return for each node what nodeset has set, what it reported last, and how that version came to be.

    A node that reported nothing, or a version that the catalog no longer has, has a bad result that says so. Raises
    NotFoundError for a name that is no node.
    """
    catalog = Catalog(site)
    history = {move.digest: (image, move) for image in catalog.images() for move in _publishings(catalog, image)}
    nodes = site.nodes.many(site.noderange(noderange))

    @cache
    def why(digest: str) -> Why:
        return of_version(site, catalog, catalog.get(digest))

    def row(node: Definition) -> NodeRuns:
        try:
            seen = _seen(site, node)
        except (SbkernelError, OSError) as error:
            return NodeRuns(node.name, False, str(error).splitlines()[0])
        digest = seen["reported"] or seen["boots"]
        if not digest:
            said = "has reported no image since its last power-on, and nodeset has set none"
            return NodeRuns(node.name, False, said, f"sb nodeset {node.name} osimage=IMAGE", **seen)
        try:
            found = why(digest)
        except SbkernelError as error:
            known = f"; it was {_once(*history[digest])}" if digest in history else "; this catalog never had it"
            how = "runs" if seen["reported"] else "is to boot"
            return NodeRuns(node.name, False, f"{how} {short(digest)}: {error.message}{known}", error.hint, **seen)
        return NodeRuns(node.name, True, _said(found, **seen), why=found, **seen)

    return WhatRuns(tuple(row(nodes[name]) for name in nodes))


def _publishings(catalog: Catalog, image: str) -> Sequence[Move]:
    return [move for move in catalog.pointers(image).history if move.action == PUBLISH]


def _seen(site: Site, node: Definition) -> dict[str, Any]:
    reports = [event for event in bootlog.read(site, node.name) if event.get("image")]
    last = reports[-1] if reports else {}
    return {
        "boots": bootfiles.version(site.boot, node.name), "provmethod": node.peek("provmethod"),
        "reported": str(last.get("image", "")), "reported_at": float(last.get("t", 0.0)),
        "stage": str(last.get("stage", "")),
    }  # fmt: skip


def _said(why: Why, *, boots: str, reported: str, reported_at: float, stage: str, provmethod: str) -> str:
    packed = _packed(why)
    parts = [f"{why.name} ({_standing(why)})"]
    parts.append(f"reported {stage} {when(reported_at)}" if reported else "not reported yet: nodeset has set it")
    if packed:
        parts.append(f"packed {when(packed.t)} by {packed.by}@{packed.host}")
    parts.append(f"record {why.record}" if why.record else "no record")
    if reported and boots != reported:
        parts.append(f"boots {short(boots)} next" if boots else "boots nothing next")
    if "@" in provmethod:
        parts.append("pinned")
    return "; ".join(parts)


def _packed(why: Why) -> Move | None:
    """Return when it was packed last; of what came from a killed packing nothing is known."""
    return next((move for move in reversed(why.moves) if move.action == PUBLISH), None)


def _standing(why: Why) -> str:
    return " ".join(why.pointers) or "neither current nor previous"


def _once(image: str, move: Move) -> str:
    return f"{Reference(image, short(move.digest))}, packed {when(move.t)} by {move.by}@{move.host}"
