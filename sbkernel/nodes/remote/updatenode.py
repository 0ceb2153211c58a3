"""xCAT's updatenode: bring nodes that run up to date: their packages, postscripts and files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from sbkernel.errors import SbkernelError
from sbkernel.nodes.remote.fanned import FANOUT, check_fanout
from sbkernel.nodes.remote.outcomes import Outcome, Outcomes
from sbkernel.nodes.remote.reasons import of_sources
from sbkernel.nodes.remote.scripts import Running, ScriptResult, running
from sbkernel.nodes.remote.syncfiles import Files, of_lists
from sbkernel.nodes.remote.xdsh import Nodes, checked, named, over
from sbkernel.nodes.ssh import Way, reaching_all
from sbkernel.site import Site

if TYPE_CHECKING:
    import pandas as pd

_SOURCES = (
    "a node installs from the addresses that its image has of pkgdir and otherpkgdir; directories of this host are not"
    " among them: let a web server serve such a directory, and write its address there"
)


@dataclass(frozen=True)
class Updated(Outcome):
    """What came of it on one node, and how each script ended."""

    scripts: tuple[ScriptResult, ...] = ()


class Updates(Outcomes):
    """The outcome of each node, by its name."""

    def scripts(self) -> pd.DataFrame:
        """Return how every script ended on every node as a DataFrame: node, script, status, seconds."""
        import pandas as pd

        names = [one.name for one in fields(ScriptResult)]
        found = [script for one in self.values() if isinstance(one, Updated) for script in one.scripts]
        return pd.DataFrame([[getattr(one, name) for name in names] for one in found], columns=names)


def updatenode(site: Site, nodes: Nodes, **options: Any) -> Updates:
    """Bring nodes up to date and return one outcome for each, by name; none is raised for one node.

    `options` are those of updatenode_each. The nodes' updatestatus becomes syncing, then synced or failed.
    """
    return Updates.of(updatenode_each(site, nodes, **options))


def updatenode_each(
    site: Site, nodes: Nodes, *, sync: bool = False, software: bool = False, scripts: str | None = None,
    fanout: int = FANOUT, timeout_s: float | None = None, verify: bool = True,
) -> Iterator[Updated]:  # fmt: skip
    """Do as updatenode does, yielding outcomes as they come.

    `software` installs the packages of pkglist and otherpkglist from the sources that a node has (-S); `scripts` is a
    comma list of postscripts to run, "" for all of each node (-P); `sync` sends the files of synclists (-F). Without
    any of them all is done, in this order. Raises NotFoundError for an unknown node or a list that is missing,
    ListFileError and DefinitionError for what is wrong, before any node is asked.
    """
    if not (sync or software or scripts is not None):
        sync, software, scripts = True, True, ""
    check_fanout(fanout)
    names = named(site, nodes)
    runs = running(site, names, scripts, software=software) if software or scripts is not None else None
    files = of_lists(site, names) if sync else None
    return _updating(site, names, runs, files, fanout, timeout_s, verify)


def _updating(
    site: Site, names: Sequence[str], runs: Running | None, files: Files | None, fanout: int, timeout_s: float | None,
    verify: bool,
) -> Iterator[Updated]:  # fmt: skip
    _note(site, dict.fromkeys(names, "syncing"))
    done: dict[str, Updated] = {}
    try:
        with reaching_all(site, names) as ways:
            reached = checked(ways) if verify else ways
            scripted = dict(_run(runs, reached, fanout, timeout_s)) if runs else {}
            if files is None:
                for one in scripted.values():
                    done[one.node] = one
                    yield one
                return
            for sent in files.each(reached, fanout=fanout, timeout_s=timeout_s):
                done[sent.node] = both = _together(scripted.get(sent.node), sent)
                yield both
    finally:
        _note(site, {name: "synced" if name in done and done[name].ok else "failed" for name in names})


def _run(
    runs: Running, ways: Mapping[str, Way | SbkernelError], fanout: int, timeout_s: float | None
) -> Iterator[tuple[str, Updated]]:
    works = {node: way if isinstance(way, SbkernelError) else runs.work(way) for node, way in ways.items()}
    for node in [node for node, work in works.items() if work is None]:
        yield node, Updated(node, True)
    sound = {node: work for node, work in works.items() if work is not None}
    for event in over(sound, ways, fanout=fanout, timeout_s=timeout_s, stream=False, name="running scripts"):
        if not isinstance(event, Outcome):
            continue
        results, text = runs.read(event.node, event.output)
        failed = [_failed(one) for one in results if not one.ok]
        error = f"scripts failed: {', '.join(failed)}" if failed else event.error
        hint = _SOURCES if of_sources(why for one in results for why in one.reasons) else event.hint
        said = {**vars(event), "output": text, "error": error, "hint": hint}
        yield event.node, Updated(**said, scripts=tuple(results))


def _failed(one: ScriptResult) -> str:
    return f"{one.script} ({one.status})" + (f": {'; '.join(one.reasons)}" if one.reasons else "")


def _together(scripts: Updated | None, sent: Outcome) -> Updated:
    """Return one outcome of both; when a node was not reached, that is said once."""
    if scripts is None:
        return Updated(**vars(sent))
    errors = dict.fromkeys(one.error for one in (scripts, sent) if one.error)
    return replace(
        scripts, ok=scripts.ok and sent.ok, status=scripts.status if not scripts.ok else sent.status,
        output="\n".join(filter(None, (scripts.output, sent.output))), error="; ".join(errors),
        hint=scripts.hint or sent.hint, seconds=scripts.seconds + sent.seconds,
    )  # fmt: skip


def _note(site: Site, statuses: Mapping[str, str]) -> None:
    """Write the updatestatus of nodes; one that is gone by now has none."""
    now = time.strftime("%m-%d-%Y %H:%M:%S")
    with site.store.write("updatenode") as transaction:
        for node, values in transaction.get_many("node", list(statuses)).items():
            transaction.put("node", node, {**values, "updatestatus": statuses[node], "updatestatustime": now})
