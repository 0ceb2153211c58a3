"""Commands, files and scripts on many running nodes at once, over ssh: one result for each node, good or bad."""
