"""Clone an osimage, also to another site: a definition of its own and editable copies of its list files."""
