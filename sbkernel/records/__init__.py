"""Notebooks as runs: the papermill engine, the record directory and the HTML that survives.

Owns records/. Must not decide anything about images or nodes: notebooks call the rooms above themselves.
"""
