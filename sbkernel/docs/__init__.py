"""The documentation site: the pages of notebooks/docs, and pages made from verbs, attributes and rooms.

Owns the way from these to HTML. Nothing but the command line imports it, which hands it its verbs.
"""
