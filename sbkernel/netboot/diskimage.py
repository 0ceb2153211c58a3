"""What is installed on the disk of a node: remembered while the node boots other images without its disk."""

from __future__ import annotations

from collections.abc import Mapping

from sbkernel.definitions.definition import Definition

INSTALLED = "install"
"""The provmethod of an osimage that is put on disks."""
_OF_IMAGE = {"os": "osvers", "arch": "osarch", "profile": "profile"}


def remembered(node: Definition, osimages: Mapping[str, Definition]) -> dict[str, str]:
    """Return what is to be noted before a node gets another image: the one on its disk, if it has had such a one."""
    name = node.get("provmethod")
    # Mapping.get knows no error for a name that is none but KeyError, and a collection raises another.
    installed = name in osimages and osimages[name].get("provmethod") == INSTALLED
    return {"diskimage": name} if installed else {}


def running_from_disk(node: Definition, osimages: Mapping[str, Definition]) -> dict[str, str]:
    """Return what is to be noted when a node boots from its disk: what it will then be, where that is known."""
    note = remembered(node, osimages)
    name = note.get("diskimage") or node.get("diskimage")
    if name not in osimages:
        return note
    image = osimages[name]
    return note | {ours: image.get(theirs) for ours, theirs in _OF_IMAGE.items() if image.get(theirs)}
