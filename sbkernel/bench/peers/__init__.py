"""The other side of each comparison, as an administrator would run it: what is called, and nothing measured.

Owns the peers' command lines and files; they are public knowledge of those tools, not of our rooms.
"""
