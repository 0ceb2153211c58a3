"""Discs and directories that hold a distribution: what is on one, read without mounting it, and copied whole."""
