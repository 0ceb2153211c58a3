"""Where the bytes of an image are, and how it has grown."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from markupsafe import Markup

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import parse
from sbkernel.images.growth import Growth, Stage
from sbkernel.images.growth import growth as grown
from sbkernel.images.tree.directories import Sizes, of_root
from sbkernel.nodes import contents
from sbkernel.packages.diff.summary import headline
from sbkernel.packages.manifest import Manifest
from sbkernel.site import Site
from sbkernel.units import size
from sbkernel.workbench.displays.packages import weight
from sbkernel.workbench.html import ACCENT, LINE, MUTED, card, div, heading, mono, muted, table, wrapped
from sbkernel.workbench.images.comparison import DiffChooser, Following
from sbkernel.workbench.images.squarified import Block, draw, group
from sbkernel.workbench.panel import Shown

_LARGEST = 12


def treemap(of: Manifest | DiffChooser) -> Shown | Following:
    """Show the bytes of packages by section and package. Of a chooser, the second thing is shown."""
    return Following(of, lambda chosen: _packages(chosen.value.b)) if isinstance(of, DiffChooser) else _packages(of)


def directories(site: Site, of: str | DiffChooser) -> Shown | Following:
    """Show the bytes of an image by directory. Nodes and lists have no files here."""
    if isinstance(of, DiffChooser):
        return Following(of, lambda chosen: _directories(site, chosen.words[1]))
    return _directories(site, of)


def growth(site: Site, of: str | DiffChooser, last: int = 24) -> Shown | Following:
    """Show the newest versions of an image: their sizes as columns, and what changed from one to the next."""
    if isinstance(of, DiffChooser):
        return Following(of, lambda chosen: _growth(site, chosen.words[1], last))
    return _growth(site, of, last)


def _packages(manifest: Manifest) -> Shown:
    sections: dict[str, list[Block]] = defaultdict(list)
    for package in manifest:
        sections[package.section.rpartition("/")[2] or "packages"].append(Block(package.name, package.size_bytes))
    groups = [group(name, blocks) for name, blocks in sections.items()]
    said = f"{len(manifest)} packages, {weight(manifest)}"
    largest = [(package.name, package.size_bytes) for package in manifest]
    return _shown(f"Packages of {manifest.name}", said, groups, largest)


def _directories(site: Site, word: str) -> Shown:
    root = contents.root(site, word)
    if root is None:
        return _nothing(f"{word} has no files here")
    sizes = of_root(root)
    groups = [group(f"/{top}", blocks) for top, blocks in _by_top(sizes).items()]
    said = f"{size(sum(sizes.values()))} in files, {'before' if root.is_dir() else 'after'} the exlist"
    return _shown(f"Directories of {word}", said, groups, [(f"/{name}", count) for name, count in sizes.items()])


def _growth(site: Site, word: str, last: int) -> Shown:
    kind, name = contents.meaning(site, word)
    image = parse(name).image
    if kind != "image" or not Catalog(site).pointers(image).history:
        return _nothing(f"{word} has no versions in the catalog")
    found = grown(site, image, last)
    shown = card(heading(f"Growth of {image}", muted(_versions(found))), _columns(found), _stages(found))
    return Shown(shown, _text(found), {"image": image})


def _nothing(said: str) -> Shown:
    return Shown(card(muted(said)), said)


def _shown(title: str, said: str, groups: list[Block], sizes: list[tuple[str, int]]) -> Shown:
    largest = sorted(sizes, key=lambda one: -one[1])[:_LARGEST]
    text = "\n".join([f"{title}: {said}", *(f"  {size(count):>9}  {name}" for name, count in largest)])
    return Shown(card(heading(title, muted(said)), draw(groups) if any(one.size for one in groups) else None), text)


def _by_top(sizes: Sizes) -> dict[str, list[Block]]:
    """Group directories by their parent, but by usr/lib rather than usr, where nearly everything is."""
    tops: dict[str, list[Block]] = defaultdict(list)
    for path, count in sizes.items():
        parts = path.split("/")
        top = "/".join(parts[: 2 if parts[0] == "usr" else 1])
        tops[top].append(Block(path.removeprefix(top).strip("/") or "files", count))
    return tops


def _versions(found: Growth) -> str:
    return "1 version" if len(found.stages) == 1 else f"{len(found.stages)} versions"


def _columns(found: Growth) -> Markup:
    """Return a column for each version: its size as installed, and within it what a node downloads."""
    most = max([1, *(one.installed_bytes for one in found.stages), *(one.packed_bytes for one in found.stages)])
    columns = (_column(one, most) for one in found.stages)
    said = [_key(0.28), muted("installed, before the exlist"), " \u00a0 ", _key(0.95), muted("packed, after it")]
    key = div(*said, style="font-size:12px;margin-top:4px")
    return div(div(*columns, style="display:flex;align-items:flex-end;gap:6px;margin-top:10px"), key)


def _column(one: Stage, most: int) -> Markup:
    def block(count: int, opacity: float) -> Markup:
        style = f"position:absolute;left:0;right:0;bottom:0;height:{count / most * 100:.1f}%;border-radius:3px 3px 0 0"
        return div(style=f"{style};background-color:{ACCENT};opacity:{opacity}")

    said = f"{one.version.digest[:8]}: {size(one.installed_bytes)} installed, {size(one.packed_bytes)} packed"
    small = "font-size:11px;text-align:center;overflow:hidden;white-space:nowrap"
    return div(
        div(size(one.installed_bytes), style=small),
        div(
            block(one.installed_bytes, 0.28),
            block(one.packed_bytes, 0.95),
            style=f"position:relative;height:120px;border-bottom:1px solid {LINE}",
        ),
        div(_day(one), style=f"{small};{MUTED}"),
        title=said,
        style="flex:1 1 0;min-width:0;max-width:74px",
    )


def _key(opacity: float) -> Markup:
    style = "display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 0"
    return div(style=f"{style};background-color:{ACCENT};opacity:{opacity}")


def _stages(found: Growth) -> Markup:
    rows = [
        (
            mono(one.version.digest[:8]), _day(one), len(one.manifest), size(one.installed_bytes),
            size(one.packed_bytes), wrapped(headline(one.diff)) if one.diff is not None else muted("the first"),
        )
        for one in reversed(found.stages)
    ]  # fmt: skip
    head = ["version", "published", "packages", "installed", "packed", "from the version before"]
    return div(table(head, rows, numeric=[2, 3, 4]), style="overflow:auto;margin-top:8px")


def _text(found: Growth) -> str:
    lines = [
        f"{one.version.digest[:8]}  {_day(one)}  {len(one.manifest):>5} packages  {size(one.installed_bytes):>9} "
        f"installed  {size(one.packed_bytes):>9} packed" + (f"  {headline(one.diff)}" if one.diff else "")
        for one in found.stages
    ]
    said = f"{found.image}: {_versions(found)}; installed is before the exlist, packed after it"
    return "\n".join([said, *lines])


def _day(one: Stage) -> str:
    return datetime.fromtimestamp(one.version.created, UTC).strftime("%Y-%m-%d")
