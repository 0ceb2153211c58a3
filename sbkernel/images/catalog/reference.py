"""The words that name a version of an image, the same in every verb. Pure.

IMAGE, IMAGE@current  the version that nodes boot
IMAGE@candidate       the version that was packed last
IMAGE@previous        the version that a rollback goes to
IMAGE@DIGEST          the version whose digest begins so; 4 hex digits or more
IMAGE@YYYY-MM-DD      the version that nodes booted at the end of that day (UTC)
IMAGE@built           the tree that genimage left, for verbs that read packages; no version
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.pointers import CANDIDATE, CURRENT, PREVIOUS, Pointers

BUILT, DAY, DIGEST, UNKNOWN = "built", "day", "digest", "unknown"
WORDS = (CURRENT, CANDIDATE, PREVIOUS, BUILT)
SHORT = 8
"""How many digits of a digest are shown."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{4,64}")
_LISTED = 8
_GRAMMAR = "a version is a digest (4 hex digits or more), previous, candidate, current or a day (YYYY-MM-DD)"


class Reference(NamedTuple):
    """A word that names a version; `version` is what stands behind the @, digests in small letters, or ""."""

    image: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.image}@{self.version}" if self.version else self.image

    @property
    def kind(self) -> str:
        """Return what the version is: one of WORDS, DAY, DIGEST or UNKNOWN; nothing is `current`."""
        if not self.version or self.version in WORDS:
            return self.version or CURRENT
        if _DAY.fullmatch(self.version):
            return DAY
        return DIGEST if _DIGEST.fullmatch(self.version) else UNKNOWN


def parse(word: str) -> Reference:
    """Return what a word says. Image names hold no @."""
    image, _, version = word.partition("@")
    small = version.lower()
    return Reference(image, small if _DIGEST.fullmatch(small) else version)


def short(digest: str) -> str:
    """Return as much of a digest as is shown."""
    return digest[:SHORT]


def resolve(reference: Reference, pointers: Pointers, digests: Sequence[str]) -> str:
    """Return the digest that a reference names; `digests` are those of the image in the catalog, newest first.

    Raises NotFoundError, with the versions that there are.
    """
    if not digests:
        raise NotFoundError(f"No packed image for {reference.image}", hint=f"sb packimage {reference.image}")
    asked = _Asked(reference, pointers, digests)
    digest = _READERS.get(reference.kind, _unknown)(asked)
    if digest not in digests:
        raise asked.no(f"version {short(digest)} of {reference.image} is no longer there")
    return digest


def there_are(pointers: Pointers, digests: Sequence[str]) -> str:
    """Return the versions of an image as an error lists them, with the pointers to them."""
    digits = _telling(digests)
    shown = [
        digest[:digits] + (f" ({', '.join(names)})" if (names := pointers.of(digest)) else "") for digest in digests
    ]
    more = f" and {len(shown) - _LISTED} more: sb images {pointers.image}" if len(shown) > _LISTED else ""
    return f"there are: {', '.join(shown[:_LISTED])}{more}"


class _Asked(NamedTuple):
    """A reference, and what it is looked up in."""

    reference: Reference
    pointers: Pointers
    digests: Sequence[str]

    def no(self, said: str) -> NotFoundError:
        return NotFoundError(said, hint=there_are(self.pointers, self.digests))


def _current(asked: _Asked) -> str:
    if asked.pointers.current:
        return asked.pointers.current
    image = asked.reference.image
    hint = f"sb promote {image}; {there_are(asked.pointers, asked.digests)}"
    raise NotFoundError(f"no version of {image} was promoted yet", hint=hint)


def _candidate(asked: _Asked) -> str:
    if asked.pointers.candidate:
        return asked.pointers.candidate
    raise asked.no(f"image {asked.reference.image} has no candidate")


def _previous(asked: _Asked) -> str:
    if asked.pointers.previous:
        return asked.pointers.previous
    raise asked.no(f"image {asked.reference.image} has no version before this one")


def _built(asked: _Asked) -> str:
    said = f"{asked.reference} is the tree that genimage left, not a version"
    raise NotFoundError(said, hint=f"sb packimage {asked.reference.image}")


def _day(asked: _Asked) -> str:
    day = asked.reference.version
    try:
        end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise NotFoundError(f"{day} is no day", hint="YYYY-MM-DD") from None
    if digest := asked.pointers.at(end.timestamp()):
        return digest
    raise asked.no(f"image {asked.reference.image} was not published yet on {day}")


def _digest(asked: _Asked) -> str:
    image, begins = asked.reference
    found = [digest for digest in asked.digests if digest.startswith(begins)]
    if len(found) == 1:
        return found[0]
    if found:
        said = f"image {image} has {len(found)} versions that begin with {begins}"
        raise NotFoundError(said, hint=there_are(asked.pointers, found))
    gone = next((move.digest for move in asked.pointers.history if move.digest.startswith(begins)), "")
    return gone or _unknown(asked)


def _unknown(asked: _Asked) -> str:
    error = asked.no(f"image {asked.reference.image} has no version {asked.reference.version}")
    if asked.reference.kind == UNKNOWN:
        error.hint = f"{_GRAMMAR}; {error.hint}"
    raise error


def _telling(digests: Sequence[str]) -> int:
    """Return how many digits tell these digests from each other, SHORT at least."""
    return next((count for count in range(SHORT, 64) if len({one[:count] for one in digests}) == len(digests)), 64)


_READERS: Mapping[str, Callable[[_Asked], str]] = {
    CURRENT: _current, CANDIDATE: _candidate, PREVIOUS: _previous, BUILT: _built, DAY: _day, DIGEST: _digest,
}  # fmt: skip
