"""A version with its definition as one file, which another site reads: ours, an OCI archive, xCAT's; nothing in a file
that came from elsewhere is believed."""
