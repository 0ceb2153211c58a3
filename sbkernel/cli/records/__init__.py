"""The verbs that run notebooks and keep records."""
