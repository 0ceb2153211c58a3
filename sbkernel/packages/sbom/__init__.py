"""Software bills of materials of a manifest, in the two formats that others read."""
