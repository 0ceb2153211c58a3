"""What nodes ask for while they boot: files, addresses and loaders; what they say of it, and who may."""
