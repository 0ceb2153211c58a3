"""Noderange: text to a tree of parts, parts to nodes of a Universe, nodes back to folded text."""
