"""Where definitions are kept: one narrow interface, SQLite embedded and PostgreSQL by URL, journal and undo.

Nothing here knows what an attribute means beyond what the journal has to leave out.
"""
