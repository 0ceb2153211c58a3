"""Distributions of rpm packages: dnf resolves, curl fetches, rpm installs by way of the library of dnf."""
