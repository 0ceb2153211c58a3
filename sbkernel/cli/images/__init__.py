"""The verbs that choose packages, build, pack, compare and move images."""
