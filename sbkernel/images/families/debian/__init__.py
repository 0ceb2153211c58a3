"""Debian and its kin: apt resolves, its helper fetches, mmdebstrap and dpkg install."""
