"""The root of a running system as an image: what of it is taken, how it arrives, and what of it is only that node's."""
