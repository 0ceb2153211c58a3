"""Run by the Python of this host in a private mount namespace: lays a tar archive into the tree that argv names.

The image needs no program for it. The process is inside the tree before it writes, so no link leads out.
"""

import io
import os
import sys
import tarfile
from pathlib import Path


def main():
    """Read the archive from standard input, go into the tree, and write its files."""
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        os.chroot(sys.argv[1])
        os.chdir("/")
        for member in archive:
            lay(member, archive.extractfile(member).read())


def lay(member, data):
    """Write one file, in the place of a file or link; directories that are links stay."""
    path = Path("/", member.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(data)
    path.chmod(member.mode)
    os.utime(path, (member.mtime, member.mtime))


if __name__ == "__main__":
    main()
