"""Orders on the workers of a Dask cluster (distributed), each of which is a build host for one order at a time.

Dask chooses the worker and keeps its place; all else goes between here and there over a connection of its own.
"""
