"""xCAT's nodeadd: make nodes with columns of tables."""

from __future__ import annotations

from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.tables.nodech import complain_malformed, warn_of_dynamic
from sbkernel.cli.tables.nodeverb import NodeWords, complain_all, node_verb
from sbkernel.definitions.ranges.noderange import names
from sbkernel.definitions.ranges.universe import NodeUniverse
from sbkernel.definitions.xcattables import columnwords, nodeedit
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

_USAGE = """\
Usage: nodeadd <noderange> groups=<groupnames> [table.column=value] [...]
       nodeadd {-v | --version}
       nodeadd [-? | -h | --help]
Makes nodes, or changes those that exist.
Example: nodeadd n[1-20] groups=all,compute nodehm.mgt=ipmi"""


@node_verb("nodeadd", _USAGE, fewest=2)
def command(site: Site, given: NodeWords) -> int:
    """Make nodes, or change those that exist."""
    try:
        nodes = names(given.words[0], NodeUniverse(site.store))
        request = columnwords.request(given.words[1:])
        return _add(site, nodes, request, given) if nodes else complain_all(["No noderange to add."])
    except SbkernelError as error:
        return complain_all([str(error)])


def _add(site: Site, nodes: list[str], request: columnwords.ColumnRequest, given: NodeWords) -> int:
    with site.store.write("nodeadd") as transaction:
        homeless = nodeedit.add_nodes(transaction, nodes, request.assignments)
        if not homeless:
            warn_of_dynamic(given, transaction, request, len(nodes))
    if homeless:
        text = "Attribute 'groups' is not specified for node '{}', skipping to the next node."
        return complain_all(text.format(name) for name in homeless)
    _warn_of_capitals(nodes)
    return complain_malformed(request)


def _warn_of_capitals(nodes: list[str]) -> None:
    capital = ",".join(name for name in nodes if name != name.lower())
    if capital:
        text = (
            f"The node name '{capital}' contains capital letters which may not be resolved correctly by the dns server."
        )
        complain("Warning", text)
