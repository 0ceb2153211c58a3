"""Distributions of rpm packages: dnf resolves what their lists would bring; building them is not there yet."""
