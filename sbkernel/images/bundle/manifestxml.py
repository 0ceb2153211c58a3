"""manifest.xml of xCAT's image bundles: XML::Simple's rendering of the tables osimage and linuximage. Pure.

(xcat-core, xCAT-server/lib/xcat/plugins/imgport.pm: make_bundle, verify_manifest, manifest_adapter.)
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape

from sbkernel.definitions.attributes import attribute_of
from sbkernel.definitions.tables.schema import COLUMNS
from sbkernel.errors import BuildError, DefinitionError

TABLES = ("osimage", "linuximage")
PARTS = ("kernel", "ramdisk", "rootimg")
"""Files of a stateless image, by the full paths that they have on xCAT's management node."""
REQUIRED = ("imagename", "provmethod", "profile", "osvers", "osarch")
_COLUMNS_ONLY = {"imagename": "", "disable": "", "comments": "usercomment"}
"""Columns that are no attribute of that name."""

Tree: TypeAlias = "str | Mapping[str, Tree] | Sequence[Tree]"


@dataclass(frozen=True)
class Manifest:
    """What a bundle says: columns of the two tables, parts by path, further files with the directory they go to."""

    columns: Mapping[str, Mapping[str, str]]
    parts: Mapping[str, str] = field(default_factory=dict)
    extra: Sequence[tuple[str, str]] = ()
    postscripts: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()
    """What else it names, which is not for us: kits, litefile, the tree of a statelite image."""

    @property
    def image(self) -> str:
        """Return the name of the osimage."""
        return self.columns["osimage"]["imagename"]

    def attributes(self) -> tuple[dict[str, str], list[str]]:
        """Return the columns as attributes of an osimage, and those that have none."""
        found, unknown = dict[str, str](), list[str]()
        for name, value in (item for table in TABLES for item in self.columns.get(table, {}).items()):
            attribute = _COLUMNS_ONLY.get(name, name)
            try:
                if attribute:
                    attribute_of("osimage", attribute)
                    found[attribute] = value
            except DefinitionError:
                unknown.append(name)
        return found, unknown

    def text(self) -> str:
        """Return the file as XMLout writes it with noattr: sorted keys, two blanks a level."""
        extra: Tree = [{"src": source, "dest": target} for source, target in self.extra]
        said: dict[str, Tree] = {
            **self.columns,
            **self.parts,
            **self.postscripts,
            **({"extra": extra} if extra else {}),
        }
        return "\n".join(['<?xml version="1.0"?>', *_lines("xcatimage", said, ""), ""])


def of_attributes(image: str, attributes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the attributes of an osimage as columns of the two tables."""
    found: dict[str, dict[str, str]] = {table: {"imagename": image} for table in TABLES}
    for name, value in attributes.items():
        column = attribute_of("osimage", name).column
        table, _, key = column.partition(".")
        if table in found and value:
            found[table][key] = value
    return found


def parse(text: bytes, source: str) -> Manifest:
    """Return what manifest.xml says, also as xCAT 2.7 wrote it; BuildError for what imgimport would refuse."""

    def wrong(said: str) -> BuildError:
        return BuildError(f"{source}: {said}", hint="nothing was imported; is it a bundle of xCAT's imgexport?")

    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise wrong("manifest.xml defines entities, which imgexport never does")
    try:
        root = ET.fromstring(text)  # noqa: S314 - it has no entities, as looked up above
    except (ET.ParseError, ValueError):
        raise wrong("invalid manifest.xml file inside the bundle.  Please verify the XML") from None
    top = {child.tag: (child.text or "").strip() for child in root if len(child) == 0}
    columns = {table: _columns(root.find(table)) for table in TABLES}
    if root.find("osimage") is None and root.find("linuximage") is None:
        columns = {table: {name: top[name] for name in COLUMNS[table].names if top.get(name)} for table in TABLES}
    for name in REQUIRED:
        if not columns["osimage"].get(name):
            raise wrong(f"The '{name}' field is not defined in manifest.xml.")
    parts = {name: top[name] for name in PARTS if top.get(name)}
    if columns["osimage"]["provmethod"] == "netboot":
        for name in PARTS:
            if name not in parts:
                raise wrong(f"The '{name}' field is not defined in manifest.xml.")
    extra = [(_text(one, "src"), _text(one, "dest")) for one in root.findall("extra")]
    scripts = {
        name: top[name]
        for name in ("postscripts", "postbootscripts")
        if root.find("osimage") is not None and top.get(name)
    }
    others = [name for name in ("kit", "rawimagefiles", "rootimgtree", "litefile") if root.find(name) is not None]
    return Manifest(columns, parts, extra, scripts, others)


def _columns(table: ET.Element | None) -> dict[str, str]:
    children = [] if table is None else list(table)
    return {child.tag: text for child in children if (text := (child.text or "").strip())}


def _text(element: ET.Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _lines(name: str, value: Tree, indent: str) -> Iterator[str]:
    if isinstance(value, str):
        text = escape(value, {'"': "&quot;"})
        yield f"{indent}<{name}>{text}</{name}>"
    elif isinstance(value, Mapping):
        yield f"{indent}<{name}>"
        for key in sorted(value):
            yield from _lines(key, value[key], f"{indent}  ")
        yield f"{indent}</{name}>"
    else:
        for one in value:
            yield from _lines(name, one, indent)
