"""What is in an image: resolution by the real solver, manifests of what is installed.

Owns package values (name, version, architecture, size). Must not build or change a tree.
"""
