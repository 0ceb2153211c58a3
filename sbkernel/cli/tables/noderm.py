"""xCAT's noderm: remove nodes with all their rows. Groups stay groups; what was built stays on disk."""

from __future__ import annotations

from sbkernel.cli.tables.nodeverb import NodeWords, complain_all, node_verb
from sbkernel.definitions.xcattables import nodeedit
from sbkernel.site import Site

_USAGE = """\
Usage:
  noderm noderange
  noderm {-v|--version}
  noderm [-?|-h|--help]
Removes nodes and all their rows. Groups stay, and what was built stays on disk."""


@node_verb("noderm", _USAGE, fewest=1)
def command(site: Site, given: NodeWords) -> int:
    """Remove nodes."""
    if len(given.words) > 1:
        return complain_all(["noderange can not contain spaces."])
    nodes = site.noderange(given.words[0])
    with site.store.write("noderm") as transaction:
        nodeedit.delete_nodes(transaction, nodes)
    return 0
