"""Show definitions: one, many, its list files, and what a clone has changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from markupsafe import Markup

from sbkernel.definitions.definition import Definition
from sbkernel.html import MONO, TRACK, card, details, div, el, heading, log, mono, muted, pairs, span, table
from sbkernel.workbench.panel import Shown

_LISTS = ("pkglist", "otherpkglist", "exlist", "synclists", "postinstall")
_TONES = {"+": "#2a9d5c", "-": "#d1453b"}
_COLUMNS = ("osvers", "osarch", "profile", "provmethod", "parent")


def definition(shown: Definition) -> Shown:
    """Show one definition, as lsdef does."""
    values = {name: mono(value) for name, value in shown.attributes.shown().items()}
    text = "\n".join([f"{shown.objtype}: {shown.name}", *(f"    {k}={v}" for k, v in shown.attributes.shown().items())])
    return Shown(card(heading(shown.name, muted(shown.objtype)), pairs(values)), text)


def definitions(shown: Iterable[Definition], columns: Iterable[str] = _COLUMNS) -> Shown:
    """Show definitions as a table, one a row."""
    names, rows = list(columns), list(shown)
    cells = [[span(one.name, style="font-weight:600"), *(one.get(name) for name in names)] for one in rows]
    return Shown(table(["name", *names], cells), "\n".join(one.name for one in rows))


def list_files(image: Definition) -> list[tuple[str, Path]]:
    """Return the list files of an osimage as (attribute, path), in the order in which they are used."""
    named = ((attribute, image.get(attribute)) for attribute in _LISTS)
    return [(attribute, Path(path)) for attribute, paths in named for path in paths.split(",") if path]


def lists(image: Definition) -> Shown:
    """Show the list files of an osimage; package lists are open, the others open when pressed."""
    parts = []
    for attribute, path in list_files(image):
        title = span(attribute, " ", mono(path))
        content = _read(path)
        is_open = {"open": "open"} if attribute == "pkglist" else {}
        parts.append(el("details", el("summary", title, style="cursor:pointer"), log(content), **is_open))
    text = "\n".join(f"{attribute} {path}" for attribute, path in list_files(image))
    return Shown(card(heading(f"Lists of {image.name}"), *parts), text)


def changes(old: Definition, new: Definition) -> Shown:
    """Show how an osimage differs from another: its attributes, and the lines of its list files."""
    differing = [
        (name, mono(old.get(name)), mono(new.get(name)))
        for name in sorted({*old.attributes, *new.attributes})
        if old.get(name) != new.get(name)
    ]
    lines = list(_list_changes(old, new))
    body = div(*(_changed_line(line) for line in lines), style=f"{MONO};font-size:12px;line-height:1.5;overflow:auto")
    shown = card(
        heading(f"{new.name} against {old.name}"),
        div("the packages and files listed are the same" if not lines else body, style="margin:6px 0"),
        details(f"{len(differing)} attributes differ", table(["attribute", old.name, new.name], differing)),
    )
    return Shown(shown, "\n".join(lines) or "the lists are the same")


def _list_changes(old: Definition, new: Definition) -> Iterator[str]:
    for attribute in _LISTS:
        before = [line for name, path in list_files(old) if name == attribute for line in _read(path).splitlines()]
        after = [line for name, path in list_files(new) if name == attribute for line in _read(path).splitlines()]
        diff = list(difflib.unified_diff(before, after, n=1, lineterm=""))[2:]
        if diff:
            yield f"{attribute} {new.get(attribute)}"
            yield from diff


def _changed_line(line: str) -> Markup:
    colour = _TONES.get(line[:1])
    surface = f"background-color:{TRACK};" if colour else ""
    return div(line or " ", style=f"white-space:pre;{surface}color:{colour}" if colour else "white-space:pre")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        return f"({error.strerror})"
