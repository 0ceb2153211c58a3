"""How the files of planned nodes come below boot/, and what came of each node."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from sbkernel.architectures import of_host
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError, NodeError, SbkernelError
from sbkernel.files import Identity
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootfiles, loaders
from sbkernel.netboot.bootfiles import BootFiles, Scripts
from sbkernel.netboot.bootplan import BootPlan, mac_of
from sbkernel.netboot.claims import Claims
from sbkernel.netboot.planning import Planner
from sbkernel.netboot.scripts import boots_by_grub, grub_path
from sbkernel.site import Site

Seen = Mapping[str, Mapping[str, Identity]]
"""The files that were read or written, by directory below boot/ and by name."""


@dataclass
class Written:
    """What came of nodes, by name: the state, or the error; the attributes to set; and the files that were seen."""

    states: dict[str, str] = field(default_factory=dict)
    errors: dict[str, NodeError] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    seen: Seen = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Return the nodes with which it is over."""
        return self.attributes.keys() | self.errors.keys()

    def add(self, other: Written) -> None:
        """Take in what came of other nodes."""
        self.states |= other.states
        self.errors |= other.errors
        self.attributes |= other.attributes
        self.seen = {
            place: {**self.seen.get(place, {}), **other.seen.get(place, {})} for place in {*self.seen, *other.seen}
        }


class Writer:
    """Plans nodes and writes their files. `refused` are those that cannot be set whatever is planned.

    Use it as a context manager; `written` is whole at its end.
    """

    def __init__(self, site: Site, plan: Planner, refused: Mapping[str, NodeError]) -> None:
        self._site, self._plan, self._refused = site, plan, refused
        self._catalog = Catalog(site)
        self._files = BootFiles(site.boot)
        self._noted = set[str]()
        self._looked_at: Scripts | None = None
        self._lay_common = functools.cache(lambda: bootfiles.write_common(site.boot))
        self._lay_grub = functools.cache(lambda: loaders.lay_every_grub(site.boot, site.http_port))
        self.written = Written()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.written.add(Written(seen=self._files.seen))
        self._files.close()

    def plans(self, nodes: Mapping[str, Definition]) -> Iterator[BootPlan]:
        """Yield the plan of each node that can be set, so that no more than a few are in memory; note how it went."""
        for name, node in nodes.items():
            try:
                planned = self._plan(node)
                if boots_by_grub(node) and planned.files:
                    loaders.check_grub(planned.attributes.get("arch") or node.get("arch") or of_host().osarch)
                if name in self._refused:
                    raise self._refused[name]
            except NodeError as error:
                self.written.errors[name] = error
            except SbkernelError as error:
                self.written.errors[name] = NodeError(name, error.message.removeprefix(f"{name}: "), hint=error.hint)
            else:
                self.written.states[name] = planned.state
                yield planned

    def write(self, nodes: Mapping[str, Definition]) -> None:
        """Write the files of each node that can be set."""
        self._lay_common()
        for plan in self.plans(nodes):
            if grub_path(plan.node) in plan.files:
                self._lay_grub()
            before = self._files.scripts(plan.node)
            if any(before) and before != self._looked_at and not bootfiles.is_written(plan, before):
                # A node that has read the old script may still be fetching what it names.
                self._catalog.note_use(before.digests - self._noted)
                self._noted |= before.digests
                self._looked_at = before
            self._files.apply(plan, before)
            self.written.attributes[plan.node] = plan.attributes


def claimed(site: Site, nodes: Mapping[str, Definition]) -> dict[str, NodeError]:
    """Return the nodes whose MAC or IP address another node has, and why they cannot be set."""
    claims, found = Claims(site.store, nodes), dict[str, NodeError]()
    for name, node in nodes.items():
        try:
            claims.check(name, mac_of(node), node.get("ip"))
        except NodeError as error:
            found[name] = error
        except DefinitionError:
            continue  # it has no address at all, which its plan says
    return found
