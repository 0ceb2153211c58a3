"""A change as a postinstall script: text that somebody can read and edit, for the shell of the tree. Pure.

It goes into the tree before it does anything, so that no link of the tree leads it out.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Sequence

from sbkernel.errors import BuildError
from sbkernel.images.shell.changes import Changes, FileChange
from sbkernel.units import shortened, size

LIMIT_BYTES = 1 << 20
"""How much content a script holds."""
_HEAD = """\
#!/bin/sh -e
# sb-inputs: none
# {title}
# Run by genimage when the packages of the image are in; the tree is its first argument. It may be edited.
exec chroot "$1" /bin/sh -e << '{end}'
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022
cd /
"""
_END = "end of changes"


def script_of(changes: Changes, title: str) -> str:
    """Return the script that makes the files of a tree what they have become.

    BuildError when there are files that are too large for a script, or whose attributes no script of the shell makes.
    """
    kept = changes.kept
    _refuse(kept)
    removed = [one for one in kept if one.kind == "removed" or one.parts == ("kind",) or "kind" in one.parts]
    lines = [f"rm -rf -- {_path(one.path)}" for one in removed]
    # Another name of a file comes when the file is there, whatever the order of the names.
    made = sorted((one for one in kept if one.kind != "removed"), key=lambda one: bool(one.same))
    lines += [line for one in made for line in _lines(one)]
    end = _end([*lines, title], _END)
    return "\n".join([_HEAD.format(title=" ".join(title.split()), end=end) + "\n".join(lines), end, ""])


def _refuse(kept: Sequence[FileChange]) -> None:
    if large := [one for one in kept if one.kind != "removed" and one.type == "file" and _lacks(one)]:
        names = ", ".join(shortened([f"/{one.path} ({size(one.size)})" for one in large], 5))
        raise BuildError(
            f"too large for a script, which holds {size(LIMIT_BYTES)}: {names}",
            hint="bring large files by the synclist of the image, or as a package in otherpkgdir",
        )
    if odd := [one for one in kept if "attributes" in one.parts]:
        names = ", ".join(shortened([f"/{one.path}" for one in odd], 5))
        raise BuildError(
            f"a script cannot keep extended attributes or capabilities: {names}",
            hint="write a postinstall script that calls setcap or setfattr itself",
        )


def _lacks(one: FileChange) -> bool:
    written = one.kind == "added" or {"content", "kind"} & set(one.parts)
    return bool(written) and one.content is None and not one.same


def _lines(one: FileChange) -> Iterator[str]:
    path = _path(one.path)
    new = one.kind == "added" or "kind" in one.parts
    if one.same:
        yield f"ln -f -- {_path(one.same)} {path}"
        return
    if one.type == "directory":
        yield from [f"mkdir -p -- {path}"] if new else []
    elif one.type == "link":
        yield f"rm -f -- {path} && ln -s -- {_word(one.target)} {path}"
    elif one.type == "fifo":
        yield from [f"mkfifo -- {path}"] if new else []
    elif one.type == "device":
        major, minor = one.device
        yield f"rm -f -- {path} && mknod -- {path} {'b' if one.size else 'c'} {major} {minor}"
    elif one.content is not None:
        yield from _content(path, one.content)
    whole = new or one.type in ("link", "device") or one.content is not None
    if whole or "owner" in one.parts:
        yield f"chown -h -- {one.uid}:{one.gid} {path}"
    # chown takes away what lets a program run as its owner.
    if one.type != "link" and (whole or {"mode", "owner"} & set(one.parts)):
        yield f"chmod -- {one.mode:04o} {path}"


def _content(path: str, content: bytes) -> Iterator[str]:
    """Yield the lines that write a file: as it is where it is text, else in base64."""
    yield f"rm -f -- {path}"
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        text = "\0"
    if not content:
        yield f": > {path}"
    elif text.endswith("\n") and all(letter.isprintable() or letter in "\n\t" for letter in text):
        end = _end(text.split("\n"), "end of file")
        yield f"cat > {path} << '{end}'\n{text}{end}"
    else:
        yield f"base64 -d > {path} << 'end of file'\n{base64.encodebytes(content).decode()}end of file"


def _end(lines: Sequence[str], word: str) -> str:
    """Return a line that is not among those of a text."""
    there = {one for line in lines for one in line.split("\n")}
    number = 1
    while (end := word if number == 1 else f"{word} {number}") in there:
        number += 1
    return end


def _path(path: str) -> str:
    return _word(path if not path.startswith("-") else f"./{path}")


def _word(text: str) -> str:
    return shlex.quote(text)
