"""Run the process of the virtual nodes: python -m sbkernel.nodes.virtual --site DIR."""

from sbkernel.nodes.virtual.host import main

main()
