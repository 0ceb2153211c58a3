"""dm-verity: a hash tree behind a packed root, by which a node checks each block when it reads it (veritysetup(8)).

The tree has no salt, and no header with a UUID: the same root gives the same bytes. All that a node has to know beside
the root hash follows from the size of the file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sbkernel.errors import BuildError, CommandError, DefinitionError
from sbkernel.images.pack.format import Format
from sbkernel.jobs.run import run

BLOCK = 4096
NODE_PROGRAM = "dmsetup"
"""What the initrd needs; veritysetup would take twice the room, for headers that are not there."""

_HASHES = BLOCK // 32
_ROOT_HASH = re.compile(r"^Root hash:\s+([0-9a-f]{64})$", re.MULTILINE)


def check_possible(packed: Format) -> None:
    """Raise DefinitionError for a format that a node unpacks: it is checked whole, before."""
    if packed.unpacked:
        method = packed.described["method"]
        raise DefinitionError(f"a {method} is unpacked: it has no blocks to verify later", hint="-m squashfs or erofs")


def add(file: Path) -> str:
    """Append its hash tree to a packed root; return the root hash in hex. Raises CommandError."""
    blocks = -(-file.stat().st_size // BLOCK)
    os.truncate(file, blocks * BLOCK)
    said = run(["veritysetup", "format", *_options(blocks), file, file]).stdout
    found = _ROOT_HASH.search(said)
    if not found:
        raise BuildError(f"veritysetup gave no root hash for {file}")
    return found[1]


def check(file: Path, root_hash: str) -> None:
    """Read a root whole and compare it with its root hash. BuildError if it has another."""
    size = file.stat().st_size
    blocks = data_blocks(size // BLOCK)
    if size % BLOCK or not blocks:
        raise BuildError(f"{file} has no hash tree at its end: {size} bytes")
    try:
        run(["veritysetup", "verify", *_options(blocks), file, file, root_hash])
    except CommandError as error:
        raise BuildError(f"{file} does not have the root hash {root_hash}:\n{error.tail}") from error


def data_blocks(blocks: int) -> int:
    """Return how many blocks of a file are data, the others being their hash tree; 0 if no tree is so large.

    The initrd counts in the same way (templates/initrd/verify.sh).
    """
    data = max(1, blocks * (_HASHES - 1) // _HASHES - 5)
    while with_tree(data) < blocks:
        data += 1
    return data if with_tree(data) == blocks else 0


def with_tree(data: int) -> int:
    """Return how many blocks so many blocks of data are with their hash tree: 128 hashes a block, up to one block."""
    total = level = data
    while level > 1:
        level = -(-level // _HASHES)
        total += level
    return total


def _options(blocks: int) -> list[str]:
    size = f"--data-block-size={BLOCK}", f"--hash-block-size={BLOCK}"
    place = f"--data-blocks={blocks}", f"--hash-offset={blocks * BLOCK}"
    return ["--no-superblock", "--hash=sha256", "--salt=-", *size, *place]
