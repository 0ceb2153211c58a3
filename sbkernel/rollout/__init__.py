"""How a version reaches the nodes: test boot, checks, waves, gates, going back.

Owns: nothing yet; the order of imports has its place. Must not touch: bytes of images, the wires to hardware.
"""
