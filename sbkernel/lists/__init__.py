"""The text files an osimage points to: pkglist, otherpkglist, exlist, synclist, fstab.

Owns their grammars and edits: text in, values and diagnostics out. It must not run anything, nor decide what is
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sbkernel.lists.edit import ImageLists
    from sbkernel.site import Site


def of(site: Site, image: str) -> ImageLists:
    """Return the lists of an osimage, to read and edit: `lists.of(site, image).pkglist.add("tmux")`."""
    from sbkernel.lists.edit import of as lists_of

    return lists_of(site, image)
