"""Definitions in Python: selections, DataFrames, diffs, and changes that are shown before they are made."""
