"""The verbs that show and change definitions."""
