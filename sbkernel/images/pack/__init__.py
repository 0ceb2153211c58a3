"""From a tree to one packed file: what is left out, and how it is packed."""
