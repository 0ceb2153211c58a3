"""How mkdef, chdef and rmdef work: in one transaction, which is rolled back with --dry-run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.cli.verb import echo
from sbkernel.definitions.objectverbs.newvalues import CAPITALS
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Transaction
from sbkernel.site import Site

T = TypeVar("T")


def in_transaction(site: Site, request: DefinitionRequest, work: Callable[[Transaction], T]) -> T:
    """Do `work` and return its result. With --dry-run print what it would change, and change nothing."""
    if not request.dry_run:
        with site.store.write(request.verb) as transaction:
            return work(transaction)
    from sbkernel.definitions.editing import overview
    from sbkernel.definitions.objectverbs import rehearse

    result, entries = rehearse.rehearse(site.store, work)
    lines = "".join(f"{line}\n" for line in overview.before_and_after(entries))
    echo(f"{lines}Nothing is changed: --dry-run.")
    return result


def nodes_first(stanzas: Iterable[Stanza]) -> list[Stanza]:
    """Return objects in the order in which they can be written: nodes before the groups that contain them."""
    return sorted(stanzas, key=lambda one: one.objtype == "group")


def warn_of_capitals(stanzas: Iterable[Stanza]) -> None:
    """Warn about node names with capitals, which a name server may not resolve."""
    names = [
        one.name for one in stanzas if one.objtype == "node" and not one.name.islower() and one.name.lower() != one.name
    ]
    if names:
        complain("Warning", f"The node name '{','.join(names)}' {CAPITALS}")


def warn_of_shared_trees(site: Site, stanzas: Iterable[Stanza]) -> None:
    """Warn about osimages that genimage will refuse: another one is built in, above or below the same directory."""
    named = [one.name for one in stanzas if one.objtype == "osimage"]
    if not named:
        return
    from sbkernel.images.rootimgdir import build_places, overlaps

    known = build_places(site)
    for name in named:
        if name in known and (found := overlaps(known, name)):
            remedy = f"chdef -t osimage {name} rootimgdir=DIR profile=NAME; sb clone does it by itself."
            complain("Warning", "\n".join([*found, f"  genimage will refuse that: {remedy}"]))


def updated_names(outcomes: Sequence[ObjectOutcome]) -> str:
    """Return the names of the objects that were changed, for -V."""
    names = sorted(one.name for one in outcomes if one.done)
    return "\n".join(["The database was updated for the following objects:", *names])
