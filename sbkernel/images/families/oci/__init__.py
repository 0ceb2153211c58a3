"""A container image as the base of an image: found by its reference, unpacked once by digest, then added to."""
