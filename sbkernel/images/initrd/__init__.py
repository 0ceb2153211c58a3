"""The initrd: one small one for every distribution, made outside the image."""
