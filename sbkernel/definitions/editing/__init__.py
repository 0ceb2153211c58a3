"""Definitions in Python: selections, DataFrames, changes that are shown before they are made, diffs."""
