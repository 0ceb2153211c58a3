"""Hardware: power, boot device, consoles, and what a running node says of itself.

Owns every way to reach a node: ipmi/ (and simulator/, its other end) and virtual/, the nodes that run in QEMU here.
Others name the protocols of `power` and `methods` only. It runs in the service, never in a Jupyter kernel.
"""
