"""xCAT's rmdef: remove definitions. Trees and packed images on disk stay."""

from __future__ import annotations

from sbkernel.cli.definitions.defcommand import definition_command, names_of
from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.cli.definitions.defwork import in_transaction
from sbkernel.cli.verb import echo
from sbkernel.definitions import objects
from sbkernel.definitions.attributes import TYPES
from sbkernel.definitions.store.interface import Transaction
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

# -a keeps settings and passwords, and logs are not definitions.
_KEPT = ("site", "passwd", "auditlog", "eventlog")

Object = tuple[str, str]


def work(site: Site, request: DefinitionRequest) -> int:
    """Remove definitions; what was built stays on disk."""
    if "site" in request.objtypes:
        raise DefinitionError("The settings of the site cannot be removed.", hint="sb chdef -t site KEY= clears one.")
    if request.everything:
        wanted = [(objtype, name) for objtype in TYPES if objtype not in _KEPT for name in site.all_of(objtype)]
    else:
        wanted = [(objtype, name) for objtype in request.objtypes for name in sorted(names_of(site, request, objtype))]
    if request.cleanup and not request.dry_run:
        _take_back(site, [name for objtype, name in wanted if objtype == "node"])
    return _report(wanted, in_transaction(site, request, lambda transaction: _remove(transaction, wanted)), request)


def _remove(transaction: Transaction, wanted: list[Object]) -> list[Object]:
    objects.look_ahead(transaction, "node", [name for objtype, name in wanted if objtype == "node"], [])
    there = [one for one in wanted if objects.exists(transaction, *one)]
    for one in there:
        objects.remove(transaction, *one)
    nodes = [name for objtype, name in there if objtype == "node"]
    if nodes:
        from sbkernel.definitions.xcattables.rowedit import forget

        forget(transaction, nodes)
    return there


def _take_back(site: Site, nodes: list[str]) -> None:
    """Set nodes to boot nothing. A node for which that fails is removed all the same."""
    from sbkernel.netboot.nodeset import nodeset

    known = site.store.existing("node", nodes)
    if known:
        for error in nodeset(site, ",".join(sorted(known)), "offline").errors.values():
            complain("Warning", str(error))


def _report(wanted: list[Object], removed: list[Object], request: DefinitionRequest) -> int:
    gone = set(removed)
    missing = [] if request.everything else [one for one in wanted if one not in gone]
    for objtype, name in missing:
        complain("Error", f"Could not find an object named '{name}' of type '{objtype}'.")
    if not removed:
        echo("No objects have been removed from the xCAT database.")
    elif request.verbose:
        echo("\n".join(["The following objects were removed:", *sorted(name for _objtype, name in removed)]))
    else:
        echo(f"{len(removed)} object definitions have been removed.")
    return int(bool(missing))


command = definition_command("rmdef", work)
