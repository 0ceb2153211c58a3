"""The other side of each comparison, as an administrator would run it. Nothing is measured here.

Owns the command lines and files of the peers, which are public knowledge about those tools.
"""
