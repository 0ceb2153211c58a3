"""The licence of a Debian package, from its machine-readable copyright file (DEP 5, copyright-format 1.0).

Only three kinds of lines are read, so that a node need send no others; python-debian's parser wants whole files.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

PLACE = "usr/share/doc"
LINES = r"^(Format|Format-Specification|Files|License):|^[[:space:]]*$"
"""What grep -E gets out of a copyright file on a node."""

_LINE = re.compile(r"^(?:(Format|Format-Specification|Files|License):[ \t]*(.*)|[ \t]*$)", re.MULTILINE)
_OPERATOR = re.compile(r"\s*,?\s+(and|or)\s+", re.IGNORECASE)


def licence(text: str) -> str:
    """Return the licences of a package as one expression, "" unless the file is machine-readable.

    Each paragraph about files names one; all of them apply, so they are joined by AND.
    """
    if not _names_format(text):
        return ""
    names: dict[str, None] = {}
    machine_readable = False
    for paragraph in _paragraphs(text):
        machine_readable |= any(map(_names_format, _formats(paragraph)))
        if "License" in paragraph and ("Files" in paragraph or _formats(paragraph)):
            names |= dict.fromkeys(_conjuncts(expression(paragraph["License"])))
    names.pop("", None)
    return _joined(sorted(names)) if machine_readable else ""


@functools.lru_cache(1000)  # a tree has few, thousands of times
def expression(short_name: str) -> str:
    """Return a short name as an expression: operators in capitals, spaces inside a name as hyphens."""
    parts = _OPERATOR.split(short_name.strip())
    words = [part.upper() if number % 2 else re.sub(r"\s+", "-", part) for number, part in enumerate(parts)]
    return " ".join(words)


def _conjuncts(found: str) -> list[str]:
    return [found] if " OR " in found else found.split(" AND ")


def of_tree(doc: Path) -> dict[str, str]:
    """Return licences by package of the copyright files below a directory; links out of it are not followed."""
    found = {}
    root = doc.resolve()
    for file in sorted(doc.glob("*/copyright")):
        is_link = file.is_symlink() or file.parent.is_symlink()
        if file.is_file() and (not is_link or file.resolve().is_relative_to(root)):
            found[file.parent.name] = licence(file.read_text(errors="replace"))
    return found


def of_grep(output: str) -> dict[str, str]:
    """Return licences by package of what `grep -HE LINES ./*/copyright` wrote in that directory."""
    lines: dict[str, list[str]] = {}
    for line in output.splitlines():
        package, _, text = line.partition("/copyright:")
        lines.setdefault(package.removeprefix("./"), []).append(text)
    return {package: licence("\n".join(found)) for package, found in lines.items()}


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    paragraph: dict[str, str] = {}
    for match in _LINE.finditer(text):
        if match[1]:
            paragraph.setdefault(match[1], match[2].strip())
        else:
            yield paragraph
            paragraph = {}
    yield paragraph


def _names_format(text: str) -> bool:
    return "copyright-format" in text or "dep5" in text.lower()


def _formats(paragraph: dict[str, str]) -> list[str]:
    return [paragraph[key] for key in ("Format", "Format-Specification") if key in paragraph]


def _joined(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return " AND ".join(f"({name})" if " OR " in name else name for name in names)
