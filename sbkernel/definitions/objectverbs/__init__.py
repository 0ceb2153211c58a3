"""What lsdef, mkdef, chdef and rmdef do with one object, and how listings look; the verbs themselves are in cli/."""
