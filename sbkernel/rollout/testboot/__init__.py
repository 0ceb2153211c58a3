"""A version boots once before nodes do, on a virtual node that goes again; what was found is kept by digest."""
