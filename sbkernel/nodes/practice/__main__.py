"""Run the process of the simulated nodes: python -m sbkernel.nodes.practice --site DIR."""

from sbkernel.nodes.practice.host import main

main()
