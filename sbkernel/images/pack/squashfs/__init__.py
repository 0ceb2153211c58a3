"""squashfs, written here: what the last root of an image holds already is copied from it, compressed as it is."""
