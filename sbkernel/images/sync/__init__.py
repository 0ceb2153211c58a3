"""The files of synclists, laid over a tree when it is packed: which, as whose, and where; the tree stays as it is."""
