"""Benchmarks: our time, a peer's or the floor's, and the ratio, in one run, with the same work checked.

Owns measurement only; nothing imports it but the command line.
"""
