"""xCAT's nodech: change columns of nodes, or delete their rows of tables."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.cli.tables.nodeverb import NodeWords, complain_all, node_verb
from sbkernel.definitions.store.interface import Transaction
from sbkernel.definitions.xcattables import columnwords, nodeedit
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

_USAGE = """\
Usage: nodech <noderange> table.column=value [...]
       nodech {-d | --delete} <noderange> <table> [...]
       nodech {-v | --version}
       nodech [-? | -h | --help]
= sets a column and with no value clears it, ,= puts an item into a list, ^= takes one out; == != =~ !~ choose
among the nodes. -d removes the rows that the nodes have in a table.
Example: nodech n[1-20] nodehm.mgt=ipmi groups,=rack1"""


@node_verb("nodech", _USAGE, ("d|delete",), fewest=2)
def command(site: Site, given: NodeWords) -> int:
    """Change columns of nodes, or delete their rows of tables."""
    nodes = site.noderange(given.words[0])
    if "d" in given.options:
        return _delete(site, nodes, given.words[1:])
    return _change(site, nodes, given)


def _delete(site: Site, nodes: list[str], tables: Sequence[str]) -> int:
    wrong = [table for table in tables if "." in table or "=" in table]
    known = nodeedit.tables_of_nodes()
    unknown = [table for table in tables if table not in known and table not in wrong]
    with site.store.write("nodech -d") as transaction:
        for table in known.intersection(tables):
            nodeedit.delete_rows(transaction, nodes, table)
    status = complain_all(". and = not valid in delete mode." for _ in wrong)
    return status | complain_all(f"ERROR: Unable to open table {table} in configuration" for table in unknown)


def _change(site: Site, nodes: list[str], given: NodeWords) -> int:
    try:
        request = columnwords.request(given.words[1:])
        with site.store.write("nodech") as transaction:
            chosen = nodeedit.fulfilling(transaction, nodes, request)
            nodeedit.change_nodes(transaction, chosen, request.assignments)
            warn_of_dynamic(given, transaction, request, len(chosen))
    except SbkernelError as error:
        return complain_all([str(error)])
    return complain_malformed(request)


def complain_malformed(request: columnwords.ColumnRequest) -> int:
    """Say which words were no columnwords; the others were done."""
    return complain_all(f"Malformed argument {word} ignored." for word in request.malformed)


def warn_of_dynamic(given: NodeWords, transaction: Transaction, request: columnwords.ColumnRequest, times: int) -> None:
    """Warn, once for each node as xCAT does, that a node is put into a dynamic group by name."""
    text = "nodegroup {} is a dynamic node group, should not add a node into a dynamic node group statically.\n"
    given.say([text.format(group) for group in nodeedit.dynamic_groups(transaction, request.assignments)] * times)
