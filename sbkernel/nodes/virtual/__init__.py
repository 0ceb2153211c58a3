"""Virtual nodes: QEMU on this host, run by a process of its own that the service keeps running."""
