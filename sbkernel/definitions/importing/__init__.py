"""Imports whole sites from other programs' files. Owns: reading xCAT's stanzas and tables, and Warewulf's nodes.conf.

Each reader returns Found (objects and notes), `decide` compares it with the site, `importer` writes one change set.
What a reader does not understand becomes a note with file and line.
"""
