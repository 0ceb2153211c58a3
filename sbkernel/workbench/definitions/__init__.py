"""Definitions and list files: shown, edited."""
