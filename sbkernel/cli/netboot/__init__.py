"""The verbs that say what nodes boot."""
