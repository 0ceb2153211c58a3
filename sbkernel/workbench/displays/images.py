"""Packed images, and what lists would install, as cards."""

from __future__ import annotations

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.resolution import Chosen, ListResolution
from sbkernel.rollout.versions.listed import stack
from sbkernel.units import size
from sbkernel.workbench.charts import sizes
from sbkernel.workbench.definitions.diagnostics import remarks_table
from sbkernel.workbench.html import card, chip, div, heading, mono, muted, pairs, table
from sbkernel.workbench.panel import Shown

_ROWS = 400


def image_version(version: ImageVersion) -> Shown:
    """Show a packed image: its digest, when it was published, and what its parts weigh."""
    layers = [(f"layer {place}", root.size) for place, root in enumerate(version.roots[1:], start=1)]
    files = [(path.name, path.stat().st_size) for path in (version.initrd, version.kernel)]
    parts = [*reversed(layers), ("root", version.root_size), *files]
    facts = {"digest": mono(version.digest), "kernel": version.kernelver, "published": version.published}
    shown = card(
        heading(version.image, chip("published", "ok"), muted(f"{len(version.manifest)} packages")),
        pairs(facts),
        div(sizes(parts), style="margin-top:8px"),
    )
    text = f"{version.image} {version.digest} root {stack(version)}"
    sizes_of = {"packed": version.roots_size, "packages": version.packages, "kernel": version.kernelver}
    return Shown(shown, text, {"image": version.image, "digest": version.digest, "sizes": sizes_of})


def resolution(resolved: ListResolution) -> Shown:
    """Show what lists would install: totals, unknown packages, and every package beyond the base system."""
    listed = [one for one in resolved.packages if one.why != "base"]
    totals = f"{size(resolved.download_bytes)} to download, {size(resolved.installed_bytes)} installed"
    rows = [_row(one) for one in listed[:_ROWS]]
    columns = ["package", "version", "arch", "download", "size", "why"]
    base = len(resolved) - len(listed)
    shown = card(
        heading(f"{resolved.image} would install {len(resolved)} packages", muted(totals)),
        remarks_table(resolved.unknown),
        div(table(columns, rows, numeric=(3, 4)), style="max-height:380px;overflow:auto"),
        muted(f"and {base} of the base system") if base else None,
    )
    return Shown(shown, f"{resolved.image}: {len(resolved)} packages, {totals}", {"image": resolved.image})


def _row(one: Chosen) -> tuple[object, ...]:
    package = one.package
    why = f"needed by {', '.join(one.needed_by[:3])}" if one.why == "dependency" else "asked for"
    return (package.name, mono(package.version), package.arch, size(one.download_bytes), size(package.size_bytes),
            muted(why))  # fmt: skip
