"""What lsdef, mkdef, chdef and rmdef do with one object, and what listings look like. The verbs are in cli/."""
