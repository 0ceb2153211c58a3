"""Show a definition and its list files."""

from __future__ import annotations

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.definition_diff import list_files
from sbkernel.workbench.displays import definitions as displays
from sbkernel.workbench.html import card, el, heading, log, mono, span
from sbkernel.workbench.panel import Shown


def definition(shown: Definition) -> Shown:
    """Show one definition as lsdef does."""
    return Shown(displays.definition(shown), shown.text)


def lists(image: Definition) -> Shown:
    """Show the list files of an osimage. Package lists are open; the others open when they are pressed."""
    parts = []
    for file in list_files(image):
        title = span(file.attribute, " ", mono(file.path))
        is_open = {"open": "open"} if file.attribute == "pkglist" else {}
        parts.append(el("details", el("summary", title, style="cursor:pointer"), log(file.read()), **is_open))
    text = "\n".join(f"{file.attribute} {file.path}" for file in list_files(image))
    return Shown(card(heading(f"Lists of {image.name}"), *parts), text)
