"""The gate of an image: what a version has to pass before it becomes the one that nodes boot."""

from __future__ import annotations

from sbkernel.site import Site

TESTBOOT = "testboot"
"""A good test boot (rollout/testboot/)."""


def gate_of(site: Site, image: str) -> str:
    """Return the gate of an image, "" for none, and for an image that is no longer defined."""
    return (site.store.get("osimage", image) or {}).get("gate", "")
