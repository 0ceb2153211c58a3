"""xCAT's nodegrpch: give groups values that all their members inherit."""

from __future__ import annotations

from sbkernel.cli.tables.nodech import complain_malformed
from sbkernel.cli.tables.nodeverb import NodeWords, complain_all, node_verb
from sbkernel.definitions.xcattables import columnwords, nodeedit
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.site import Site

_USAGE = """\
Usage: nodegrpch <group1,group2,...> [table.column=value] [...]
       nodegrpch {-v | --version}
       nodegrpch [-? | -h | --help]
Gives groups values that all their members inherit; values of their own that the members have are cleared.
Example: nodegrpch compute nodehm.mgt=ipmi"""


@node_verb("nodegrpch", _USAGE, fewest=1)
def command(site: Site, given: NodeWords) -> int:
    """Give groups values of columns, and clear those of the members, so that all members inherit."""
    groups = [group for group in given.words[0].split(",") if group]
    try:
        request = columnwords.request(given.words[1:])
        _check(request)
        with site.store.write("nodegrpch") as transaction:
            for group in groups if request.assignments else ():
                nodeedit.change_group(transaction, group, request.assignments)
    except SbkernelError as error:
        return complain_all([str(error)])
    return complain_malformed(request)


def _check(request: columnwords.ColumnRequest) -> None:
    if any(one.operator != "=" for one in request.assignments):
        raise DefinitionError(",= and ^= are not supported by nodegrpch")
    if any(one.column == nodeedit.GROUPS for one in request.assignments):
        raise DefinitionError("Group membership is not changeable via nodegrpch")
    if any(one.column.table == nodeedit.GROUPS.table for one in request.assignments):
        raise DefinitionError("nodelist has rows for nodes only: a row for a group would make a node of that name")
    if request.criteria:
        raise DefinitionError(f"{request.criteria[0][1].label}: nodegrpch takes no conditions", hint="= assigns.")
