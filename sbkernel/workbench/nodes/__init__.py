"""Nodes: a table with buttons, a grid of thousands, how they have booted and boot now."""
