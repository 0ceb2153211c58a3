"""Versions and how they reach nodes."""
