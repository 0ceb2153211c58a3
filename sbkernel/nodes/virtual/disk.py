"""The disk of a virtual node: a file of this host, which no boot from the network touches (vmstorage)."""

from __future__ import annotations

import os
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.files import made
from sbkernel.netboot.names import node_file_name
from sbkernel.site import Site

FORMATS = ("raw", "qcow2")


def disk_of(node: Definition) -> tuple[str, str]:
    """Return the file of a node's disk and its format; "" for none. What xCAT calls a pool (dir:, nfs:) is none here.

    Raises DefinitionError for a file that is not there, and for a format that is none of FORMATS.
    """
    file, form = node.get("vmstorage").partition("|")[0], node.get("vmstorageformat") or FORMATS[0]
    if not file.startswith("/"):
        return "", FORMATS[0]
    if form not in FORMATS:
        raise DefinitionError(f"{node.name}: vmstorageformat={form} is not {' or '.join(FORMATS)}")
    if not Path(file).exists():
        raise DefinitionError(f"{node.name}: its disk {file} is not there", hint="correct vmstorage, or clear it")
    return file, form


def disk_path(site: Site, name: str) -> Path:
    """Return where the disk lies that mkvm makes for a node."""
    return site.root / "disks" / f"{node_file_name(name)}.img"


def make_disk(site: Site, name: str, size_mb: int) -> Path:
    """Make an empty disk, which takes room as it is written to; one that is there stays as it is."""
    path = disk_path(site, name)
    made(path.parent).chmod(0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path
    try:
        os.truncate(descriptor, size_mb * 1024 * 1024)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)
    return path
