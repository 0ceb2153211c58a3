"""Read dpkg's database of a tree: which packages are installed in it (deb-control(5), dpkg-query(1))."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sbkernel.packages.package import Package

WANTED = frozenset({"Package", "Status", "Version", "Architecture", "Installed-Size", "Source", "Section", "Priority"})


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the paragraphs of a control file, the wanted fields of each; continuation lines are left out."""
    for paragraph in text.split("\n\n"):
        fields = (line.partition(":") for line in paragraph.splitlines() if line[:1].strip())
        wanted = {name: value.strip() for name, _, value in fields if name in WANTED}
        if wanted:
            yield wanted


def installed(tree: Path) -> list[Package]:
    """Return the packages installed in a tree, sorted by name and architecture; none if it has no dpkg database."""
    status = tree / "var/lib/dpkg/status"
    if not status.exists():
        return []
    found = [
        _package(fields)
        for fields in paragraphs(status.read_text(errors="replace"))
        if fields.get("Status", "").endswith(" installed")
    ]
    return sorted(found, key=lambda package: (package.name, package.arch))


def _package(fields: dict[str, str]) -> Package:
    source, _, source_version = fields.get("Source", fields["Package"]).partition(" ")
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        arch=fields["Architecture"],
        size_bytes=int(fields.get("Installed-Size", "0")) * 1024,
        source=source,
        source_version=source_version.strip("()") or fields["Version"],
        section=fields.get("Section", ""),
        priority=fields.get("Priority", ""),
    )
