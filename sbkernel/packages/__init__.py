"""What is in an image: manifests of installed packages, how they differ, bills of materials.

Owns packages and versions as values, and the readers of the package formats. Must not build or change a tree; a reader
that needs a program is given the function that runs it.
"""
