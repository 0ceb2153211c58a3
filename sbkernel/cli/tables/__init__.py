"""The verbs that work through xCAT's tables."""
