"""Send nodes the files that are kept for their boot: `python -m sbkernel.nodes.remote.atboot SITE`, a node a line.

The service runs it for nodes that ask, in a process of its own: what it waits for holds nobody up.
"""

from __future__ import annotations

import sys

from sbkernel.errors import SbkernelError
from sbkernel.nodes.remote.syncfiles import at_boot
from sbkernel.site import Site


def main() -> int:
    """Send to the nodes that standard input names, and say on standard error what came of it on each."""
    nodes = sys.stdin.read().split()
    try:
        with Site.open(sys.argv[1], create=False) as site:
            for one in at_boot(site, nodes):
                said = one.output.replace("\n", ", ") or "nothing to change"
                sys.stderr.write(f"{one.node}: files for its boot: {one.error or said}\n")
    except SbkernelError as error:
        sys.stderr.write(f"files for the boot of {' '.join(nodes)}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
