"""Panels and rich displays for notebooks: they render, they decide nothing.

Owns widgets and inline-styled HTML. Every panel calls the function that the command line calls.
"""
