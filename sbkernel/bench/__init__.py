"""Benchmarks: our time, that of a peer or of the least possible work, and the ratio; both must do the same work.

Owns only measurement. Nothing but the command line imports it.
"""
