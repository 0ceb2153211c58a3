"""How a version reaches the nodes and leaves them again: test boots, waves, promoting, going back, what nobody needs.

Owns verdicts and roll-outs below log/. Must not touch: bytes of images, the wires to hardware.
"""
