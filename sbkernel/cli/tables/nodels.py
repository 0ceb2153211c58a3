"""xCAT's nodels: list nodes, and what tables say about them."""

from __future__ import annotations

from sbkernel.cli.answers import frame, give
from sbkernel.cli.tables.nodeverb import NodeWords, complain_all, node_verb
from sbkernel.definitions.groups import hidden_nodes
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_USAGE = """\
Usage:
  nodels [noderange] [-b|--blame] [-H|--with-fieldname] [table.column | shortname] [-S] [--reveal] [...]
  nodels [noderange] [-H|--with-fieldname] [table]
  nodels {-v|--version}
  nodels [-?|-h|--help]
Lists nodes, or columns of tables for them; table.column==value (!= =~ !~) chooses among them.
-b names the group that a value comes from, -H shows names of columns, -S shows hidden nodes, --reveal secrets.
Example: nodels compute nodehm.mgt==ipmi ipmi.bmc"""


@node_verb("nodels", _USAGE, ("b|blame", "H|with-fieldname", "S", "reveal"))
def command(site: Site, given: NodeWords) -> int:
    """List nodes, or columns of tables for them; table.column==value (!= =~ !~) chooses."""
    nodes = site.noderange(given.words[0]) if given.words else site.store.names("node")
    if "S" not in given.options:
        hidden = hidden_nodes(site.store, nodes)
        nodes = [name for name in nodes if name not in hidden]
    if len(given.words) < 2:
        if not give(lambda: frame({"node": name} for name in nodes)):
            given.say(nodes)
        return 0
    return _show(site, given, nodes)


def _show(site: Site, given: NodeWords, nodes: list[str]) -> int:
    from sbkernel.definitions.groups import lenders, node_values
    from sbkernel.definitions.xcattables import nodelisting

    wanted = nodelisting.query(given.words[1:], labelled="H" in given.options)
    status = complain_all(wanted.unknown)
    if wanted.doubled:
        complain_all([f"Multiple selection critera for {wanted.doubled}"])
        return status
    style = nodelisting.NodeStyle(blame="b" in given.options, reveal="reveal" in given.options)
    lent = lenders(site.store, nodes) if style.blame else {}
    values, lines, faults = node_values(site.store, nodes), list[str](), list[str]()
    for name in nodes:
        try:
            found = nodelisting.lines(wanted, name, values[name], lent.get(name, {}), style)
        except DefinitionError as error:
            faults.append(str(error))
            continue
        lines += found.lines
        faults += map(str, found.faults)
    given.say(lines)
    return status | complain_all(faults)
