"""One reader a package format: what is installed, and how the format orders and names it. Nothing else knows them.

READERS is the one place that maps a format to its reader.
"""

from __future__ import annotations

from importlib.util import find_spec

from sbkernel.errors import DefinitionError
from sbkernel.packages.readers.deb.reader import Deb
from sbkernel.packages.readers.reader import Reader
from sbkernel.packages.readers.rpm.reader import Rpm

READERS: tuple[Reader, ...] = (Deb(), Rpm())
"""In the order in which a tree is asked: a tree of the first may hold the tools of the others."""
FAMILIES = tuple(reader.family for reader in READERS)
PROGRAMS = tuple(reader.program for reader in READERS)
EVERYWHERE = frozenset(reader.everywhere for reader in READERS)
"""The architectures of packages that run on every machine."""
UNNAMED = Deb.family
"""The family of manifests that name none: there was one when they were written."""
KERNELS = Rpm.family
"""The family whose order kernel releases have, whoever packs them: 5.14.0-427.el9.x86_64 is no version to the other."""


def reader_of(family: str) -> Reader:
    """Return the reader of a package family; DefinitionError when there is none."""
    for reader in READERS:
        if reader.family == family:
            return reader
    raise DefinitionError(f"no package family {family!r}", hint=" or ".join(FAMILIES))


def missing_modules() -> list[str]:
    """Return the Debian packages with modules that the order of versions needs, and this Python does not have."""
    from sbkernel.packages.readers.rpm.reader import MODULE

    return [] if find_spec("rpm_version") or find_spec("rpm") else [MODULE]
