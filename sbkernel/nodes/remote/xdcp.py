"""xCAT's xdcp: copy files to many nodes, or one from each of them, with scp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.lists.diagnostic import shown
from sbkernel.netboot.names import node_file_name
from sbkernel.nodes.remote.fanned import FANOUT, Work, check_fanout
from sbkernel.nodes.remote.outcomes import Outcome, Outcomes, Said
from sbkernel.nodes.remote.xdsh import Nodes, checked, named, over
from sbkernel.nodes.ssh import ROOT, Way, reaching_all
from sbkernel.site import Site


def xdcp(site: Site, nodes: Nodes, sources: Sequence[str | Path], target: str | Path, **options: Any) -> Outcomes:
    """Copy files of this host to nodes, or with `pull` one of each node to the directory `target` of this host.

    One outcome a node, by name, and none is raised for one node. `options` are those of xdcp_each.
    """
    return Outcomes.of(xdcp_each(site, nodes, sources, target, **options))


def xdcp_each(
    site: Site, nodes: Nodes, sources: Sequence[str | Path], target: str | Path, *, pull: bool = False,
    recursive: bool = False, preserve: bool = False, user: str = ROOT, fanout: int = FANOUT,
    timeout_s: float | None = None, verify: bool = False,
) -> Iterator[Said | Outcome]:  # fmt: skip
    """Do as xdcp does, yielding outcomes as they come. What is pulled is called NAME._NODE, as in xCAT.

    A copy that takes longer than `timeout_s` is given up. Raises NotFoundError for an unknown node and a missing file,
    DefinitionError for paths that cannot be meant.
    """
    paths = [str(source) for source in sources]
    _check(paths, str(target), pull=pull, recursive=recursive)
    check_fanout(fanout)
    options = [word for word, given in (("-r", recursive), ("-p", preserve)) if given]
    with reaching_all(site, named(site, nodes), user) as ways:
        works: dict[str, Work | SbkernelError] = {}
        for node, way in (checked(ways) if verify else ways).items():
            works[node] = (
                Work([*way.copying, *options, "--", *_ends(way, paths, str(target), pull)])
                if isinstance(way, Way)
                else way
            )
        yield from over(works, ways, fanout=fanout, timeout_s=timeout_s, stream=False, name="scp")


def _ends(way: Way, paths: Sequence[str], target: str, pull: bool) -> list[str]:
    if not pull:
        return [*paths, f"{way.far}{target}"]
    name = f"{Path(paths[0]).name}._{node_file_name(way.node)}"
    return [f"{way.far}{paths[0]}", str(Path(target).absolute() / name)]


def _check(paths: Sequence[str], target: str, *, pull: bool, recursive: bool) -> None:
    """Raise what is wrong with paths, before any node is asked. Those of this host become absolute in no case."""
    if not paths or not target:
        raise DefinitionError("xdcp needs a source and a target", hint="sb xdcp NODERANGE SOURCE... TARGET")
    for path in [*(() if pull else paths)]:
        if not path.startswith("/"):
            raise DefinitionError(f"{shown(path)} is not a full path", hint="write the full path, as for xCAT")
        if not Path(path).exists():
            raise NotFoundError(f"{shown(path)} does not exist on this host")
        if Path(path).is_dir() and not recursive:
            raise DefinitionError(f"{shown(path)} is a directory", hint="-R copies directories")
    far = paths if pull else [target]
    if wrong := next((path for path in far if not path.startswith("/") or not path.isprintable()), None):
        raise DefinitionError(f"{shown(wrong)} is not a full path on the node", hint="write the full path")
    if pull and (len(paths) != 1 or not Path(paths[0]).name):
        raise DefinitionError("one file at a time is pulled", hint="sb xdcp NODERANGE -P FILE DIRECTORY")
    if pull and not Path(target).is_dir():
        raise NotFoundError(f"{shown(target)} is no directory of this host", hint="make it first")
