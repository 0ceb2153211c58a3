"""Run postscripts on nodes that run: all scripts of the site go there over ssh, then those that are asked for run."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sbkernel import resources
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.images.catalog.reference import parse as parse_reference
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.lists.pkglist import Pass
from sbkernel.lists.text import paths_of
from sbkernel.netboot import overlay
from sbkernel.netboot.overlay import member
from sbkernel.netboot.postscripts import (
    BUILT_IN,
    KINDS,
    SYNCFILES,
    Script,
    Shelf,
    environment,
    environment_text,
    for_node,
    list_text,
    own,
    parse,
)
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripted import Scripted
from sbkernel.netboot.server import SiteServer
from sbkernel.nodes.remote.fanned import Work, holding
from sbkernel.nodes.remote.reasons import reasons
from sbkernel.nodes.ssh import Way
from sbkernel.site import Site

_LISTS = ("ospkgs", "otherpkgs")
# Two of them at once would take each other's scripts away; flock is everywhere but in the smallest of images.
_COMMAND = (
    "exec 9>/run/xcatpost.lock; if command -v flock >/dev/null && ! flock -n 9; then"
    " echo 'postscripts of somebody else run on this node' >&2; exit 75; fi; "
    "rm -rf /xcatpost && mkdir -m 755 /xcatpost && tar -x -f - -C /xcatpost && sh /xcatpost/.sbkernel/run update {mark}"
)


@dataclass(frozen=True)
class ScriptResult:
    """How one script ended on one node."""

    node: str
    script: str
    status: int
    seconds: float
    reasons: tuple[str, ...] = ()
    """What was wrong with which package."""

    @property
    def ok(self) -> bool:
        """Tell whether it ended well."""
        return self.status == 0


@dataclass(frozen=True)
class Running:
    """Scripts that are to run on nodes; `mark` is a word that only the runner knows."""

    scripts: Mapping[str, Sequence[Script] | SbkernelError]
    texts: Mapping[str, bytes]
    shelf: Shelf
    mark: str

    def work(self, way: Way) -> Work | SbkernelError | None:
        """Return what runs for a node; None when it has no scripts."""
        scripts = self.scripts[way.node]
        if isinstance(scripts, SbkernelError):
            return scripts
        if not scripts:
            return None
        words = _COMMAND.format(mark=self.mark)
        return Work(way.argv(words), holding(self.shelf.members, self.texts[way.node], bytes(1024)))

    def read(self, node: str, output: str) -> tuple[list[ScriptResult], str]:
        """Return how the scripts of a node ended, and what else it wrote."""
        results, rest, began = list[ScriptResult](), list[str](), 0
        for line in output.split("\n"):
            if line.startswith(f"{self.mark} "):
                results.append(_result(node, line, rest[began:]))
                began = len(rest)
            else:
                rest.append(line)
        return results, "\n".join(rest)


def running(site: Site, nodes: Sequence[str], asked: str | None, *, software: bool = False) -> Running:
    """Return what runs on nodes: with `software` what installs the packages of their lists, then scripts.

    These are those that are `asked` for as a comma list; if it is "", those of each node; None: no more. Raises
    DefinitionError for a script that does not exist, before any node is asked.
    """
    scripted = Scripted.of(site)
    shelf = Shelf(scripted.shelf.directory, served=False)
    named = _asked(asked or "")
    shelf.check(named)
    packages = functools.cache(_packages)
    scripts: dict[str, Sequence[Script] | SbkernelError] = {}
    texts: dict[str, bytes] = {}
    server, images = SiteServer.of(site), site.osimages.many(site.osimages)
    for name, node in site.nodes.many(nodes).items():
        image = images.get(parse_reference(node.get("provmethod")).image) or Definition.of("osimage", "", {})
        try:
            every = own(scripted.all_of(node, image)) if asked == "" else named
            shelf.check(every)
            lists = packages(image.get("pkglist"), image.get("otherpkglist")) if software else ()
            scripts[name] = wanted = (*lists, *every)
            values = environment(scripted.settings, node, image, server.seen_by(node), updating=True)
        except DefinitionError as error:
            scripts[name] = for_node(error, name)
        except SbkernelError as error:
            scripts[name] = error
        else:
            texts[name] = b"".join(_members(wanted, values))
    return Running(scripts, texts, shelf, secrets.token_hex(16))


def _packages(pkglists: str, otherpkglists: str) -> tuple[Script, ...]:
    """Return the scripts that install what lists name: one for each pass of them."""
    os = pkglist.load(paths_of(pkglists)) if pkglists else pkglist.Pkglist()
    other = otherpkglist.load(paths_of(otherpkglists)) if otherpkglists else pkglist.Pkglist()
    return tuple(
        Script(KINDS[0], name, tuple(_words(one)))
        for name, parsed in zip(_LISTS, (os, other), strict=True)
        for one in parsed.passes
    )


def _words(one: Pass) -> Iterator[str]:
    yield from (f"+{key}={value}" for key, value in one.env.items())
    yield from (f"-{name}" for name in one.pre_remove)
    yield from (otherpkglist.placed(entry).name for entry in one.packages)
    yield from (f"--{name}" for name in one.post_remove)


def _asked(words: str) -> tuple[Script, ...]:
    scripts = parse(words)
    for one in scripts:
        if one.name == SYNCFILES:
            raise DefinitionError("syncfiles cannot be run by -P", hint="sb updatenode NODERANGE -F sends files")
        if one.name in BUILT_IN:
            raise DefinitionError(
                f"there is nothing to run for {one.name}: {BUILT_IN[one.name]}",
                hint="sb updatenode NODERANGE -S installs packages" if "pkgs" in one.name else None,
            )
    return scripts


def _members(scripts: Sequence[Script], values: Mapping[str, str]) -> Iterator[bytes]:
    for name in {one.name for one in scripts} & set(_LISTS):
        yield member(name, 0o755, (resources.templates() / "remote" / "pkgs.sh").read_bytes())
    yield member(".sbkernel/run", 0o755, render_template(f"overlay/{overlay.SCRIPTS}/run").encode())
    yield member(".sbkernel/environment", 0o644, environment_text(values).encode())
    yield member(".sbkernel/list", 0o644, list_text(scripts).encode())


def _result(node: str, line: str, said: Sequence[str]) -> ScriptResult:
    _, status, seconds, name = (*line.split(" ", 3), "", "", "")[:4]
    why = tuple(reasons(said)) if name in _LISTS and int(status) else ()
    return ScriptResult(node, name, int(status), float(seconds), why)
