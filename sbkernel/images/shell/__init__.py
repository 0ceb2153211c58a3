"""A shell in a copy of a tree, what was changed in it, and the script that makes the same change in every build."""
