"""The words of a partitionfile: disks, partitions, spans and directories. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sbkernel.errors import DefinitionError
from sbkernel.lists.diagnostic import shown
from sbkernel.units import read_size

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9+.:=@_-]*"
_LINK = re.compile(rf"/dev/disk/by-(?:id|path)/{_PLAIN}")
# Those that end in a digit have a p before the number of a partition.
_KERNEL = re.compile(r"/dev/(?:(?:sd|vd|hd|xvd)[a-z]{1,3}|nvme\d{1,3}n\d{1,3}|mmcblk\d{1,3})")
_KERNEL_PART = re.compile(r"/dev/(?:((?:sd|vd|hd|xvd)[a-z]{1,3})|((?:nvme\d{1,3}n|mmcblk)\d{1,3})p)(\d{1,3})")
_LINK_PART = re.compile(r"(.+)-part(\d{1,3})")
_SIZE = re.compile(r"size:([^-]*)-([^-]*)")
_DIRECTORY = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_NEVER = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr")
_HINT = "/dev/disk/by-id/NAME, /dev/disk/by-path/NAME, /dev/sda, only, first, or size:100G-500G"


class WordError(ValueError):
    """A word is wrong; `remedy` says what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Partition(NamedTuple):
    """A partition: its disk as `dev` of [disk] says it, and its number."""

    disk: str
    number: int

    def __str__(self) -> str:
        """Return it as udev names partitions."""
        return f"{self.disk}-part{self.number}"


class Span(NamedTuple):
    """Where a partition lies: START-END in bytes, a share of the disk in percent, so many bytes, or the `rest`."""

    kind: str
    low: int = 0
    high: int = 0

    def __str__(self) -> str:
        """Return it as the initrd reads it."""
        if self.kind == "range":
            return f"{self.low}-{self.high}"
        return {"percent": f"{self.low}%", "size": str(self.low), "rest": "rest"}[self.kind]


def read_disk(word: str) -> str:
    """Return which disk a word means, in the form in which the initrd reads it."""
    if word in ("only", "first") or _LINK.fullmatch(word) or _KERNEL.fullmatch(word):
        return word
    if match := _SIZE.fullmatch(word):
        low, high = (_size(part) if part else 0 for part in match.groups())
        if (low or high) and (not high or low <= high):
            return f"size:{low}-{high or ''}"
    raise WordError(f"{shown(word)} is no disk", _HINT)


def read_partition(word: str) -> Partition:
    """Return which partition a word means: /dev/sda1, /dev/nvme0n1p1, or DISK-part1."""
    if match := _KERNEL_PART.fullmatch(word):
        disk, number = f"/dev/{match[1] or match[2]}", int(match[3])
    elif match := _LINK_PART.fullmatch(word):
        disk, number = read_disk(match[1]), int(match[2])
    else:
        raise WordError(
            f"{shown(word)} is no partition", "/dev/sda1, /dev/nvme0n1p1, or DISK-part1, such as only-part1"
        )
    if not number:
        raise WordError("partitions are counted from 1", f"{disk}-part1")
    return Partition(disk, number)


def read_spans(text: str) -> tuple[Span, ...]:
    """Return the partitions that parts= makes, in order: they must not overlap."""
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise WordError(f"{shown(text)} holds an empty place", "parts=20,80")
    spans = tuple(map(_span, words))
    end = 0
    for span in spans:
        if span.kind == "range":
            if span.low < end:
                said = f"the partition that begins at {span.low} bytes begins before the one before it ends"
                raise WordError(said, "Write them in order.")
            end = span.high
    if sum(span.low for span in spans if span.kind == "percent") > 100:
        raise WordError("the partitions take more than 100 % of the disk", "parts=20,80")
    if any(span.kind == "rest" for span in spans[:-1]):
        raise WordError("nothing can come behind the rest", "Write rest as the last one.")
    return spans


def _span(word: str) -> Span:
    if word == "rest":
        return Span("rest")
    if word.isascii() and word.isdigit():
        if 1 <= int(word[:4]) <= 100:
            return Span("percent", int(word[:4]))
        raise WordError(f"{word} is no share of a disk in percent", "a number from 1 to 100, or a size such as 20G")
    low, dash, high = (part.strip() for part in word.partition("-"))
    if not dash:
        if size := _size(word):
            return Span("size", size)
        raise WordError(f"{word} is no size of a partition", "20, 20G, 100M-10G, or rest")
    if any(part.isdigit() and part.strip("0") for part in (low, high)):
        raise WordError(f"{word!r} is no size with a unit", "START-END, such as 100M-10G")
    span = Span("range", _size(low), _size(high))
    if span.low >= span.high:
        raise WordError(f"{shown(word)} ends before it begins", "START-END, such as 100M-10G")
    return span


def _size(text: str) -> int:
    try:
        return read_size(text)
    except DefinitionError:
        raise WordError(f"{text!r} is no size", "20, 20G, 100M-10G, or rest") from None


def read_directories(text: str) -> tuple[str, ...]:
    """Return the directories in a comma list; () for an empty one. None may hold what a node needs from its image."""
    return tuple(dict.fromkeys(_directories(text)))


def _directories(text: str) -> Iterator[str]:
    for word in (part.strip() for part in text.split(",") if part.strip()):
        name = word.rstrip("/")
        if not _DIRECTORY.fullmatch(name):
            raise WordError(f"{shown(word)} is no directory for a local disk", "/var,/tmp,/scratch")
        if any(f"{name}/".startswith(f"{one}/") for one in _NEVER):
            raise WordError(f"{shown(word)} comes from the image or the kernel", "/var,/tmp,/scratch")
        yield name
