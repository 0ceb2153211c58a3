"""Hardware: power, boot device and console over pyghmi; a BMC simulator; virtual nodes in QEMU.

Owns the IPMI transport and everything that answers as a BMC. Runs in the service, never in a Jupyter kernel.
"""
