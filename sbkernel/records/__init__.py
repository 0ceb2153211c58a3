"""Runs of notebooks: the papermill engine, the directory of records and their HTML.

Owns records/. It must not decide anything about images or nodes: notebooks call the rooms above.
"""
