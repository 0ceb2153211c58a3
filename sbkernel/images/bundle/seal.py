"""The seal of a bundle: a text that names each of its members, also the definition and the lists, and a signature.

Whoever imports a bundle makes the text anew from what he has read, and compares: nothing of it is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SEAL, SIGNATURE = "members", "members.sig"


class Named(NamedTuple):
    """A member as the seal names it: its name in the bundle, its sha256, its size in bytes."""

    name: str
    sha256: str
    size: int


class Seal(NamedTuple):
    """The text of a bundle, and its signature."""

    text: bytes
    signature: bytes


def text_of(image: str, digest: str, members: Iterable[Named]) -> bytes:
    """Return the text that is signed: which image it is, then a line a member.

    It begins with a word that no other text begins with that a site signs, so that none passes for another.
    """
    lines = [f"bundle {image} {digest}", *(f"member {one.name} {one.sha256} {one.size}" for one in members)]
    return "".join(f"{line}\n" for line in lines).encode()
