"""How a version reaches the nodes and leaves them again: promoting, going back, who boots what, what nobody needs.

Owns no files. Must not touch: bytes of images, the wires to hardware.
"""
