"""Noderanges: from text to a tree, from the tree to nodes, and from nodes back to short text."""
