"""The steps of packimage: what each depends on, stands on and makes, and the function that does it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.images import sums
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.signatures import KEY_FILE
from sbkernel.images.catalog.staging import Staging
from sbkernel.images.catalog.version import BESIDE, CONTENT_LIST
from sbkernel.images.initrd.programs import add_programs
from sbkernel.images.pack import listing, verity
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import WHOLE
from sbkernel.images.pack.layering import Layer, lower_names
from sbkernel.images.pack.packing import Packing
from sbkernel.images.plan import Facts, Step, Work, digest_of
from sbkernel.images.provenance.made import GENIMAGE, PACKIMAGE, PROVENANCE, contents, programs_of, run_facts
from sbkernel.images.shelf import JOURNAL, DirectoryShelf
from sbkernel.images.tree.installed import of_built
from sbkernel.packages import manifest

KERNEL, INITRD, MANIFEST = BESIDE
LOCKED = "locked_ns"
"""The fact that says when the tree was locked that something was made from."""


def packimage_steps(packing: Packing, catalog: Catalog, packed_by: Callable[[], Facts]) -> tuple[Step, ...]:
    """Return all steps that pack and publish an image, in order; `packed_by` tells at last who packs, and with what."""
    return (
        copy_step(KERNEL, packing.built.kernel, packing.boot[KERNEL]),
        initrd_step(packing) if packing.programs else copy_step(INITRD, packing.built.initrd, packing.boot[INITRD]),
        manifest_step(packing),
        *([packing.synced.step] if packing.synced else []),
        *([list_step(packing)] if packing.layering else []),
        pack_step(packing),
        publish_step(packing, catalog, packed_by),
    )


def copy_step(name: str, source: Path, facts: Facts) -> Step:
    """Return the step that takes kernel or initrd along; `facts` are sum and size."""

    def run_(work: Work) -> None:
        shutil.copyfile(source, work.target)

    return Step(name, f"copy the {name}", facts, "file", name, run=run_)


def initrd_step(packing: Packing) -> Step:
    """Return the step that takes the initrd along, with the programs that it needs to unpack the root."""

    def run_(work: Work) -> None:
        add_programs(packing.built.initrd, packing.programs, work.target, files=files)

    files = {KEY_FILE: packing.signer.key.text} if packing.signer else {}
    names = [program.name for program in packing.programs]
    data = {**packing.boot[INITRD], "programs": [program.facts for program in packing.programs], **files}
    return Step(INITRD, f"add {' and '.join(names)} to the initrd", data, "file", INITRD, run=run_)


def manifest_step(packing: Packing) -> Step:
    """Return the step that writes down which packages are inside."""

    def run_(work: Work) -> Facts:
        found = of_built(packing.built, packing.image)
        work.target.write_text(found.to_json())
        return {"packages": len(found), LOCKED: packing.locked_ns}

    data = {"image": packing.image, "built": packing.record.get("steps", {}), "tree": packing.tree}
    return Step("manifest", "list the packages", data, "file", MANIFEST, beside=True, run=run_)


def list_step(packing: Packing) -> Step:
    """Return the step that lists the content, for the layers that may come to lie over it."""

    def run_(work: Work) -> Facts:
        file, content = packing.built.sums, packing.laid()
        listed = content.content_list(sums.read(file))
        with ThreadPoolExecutor(1) as beside:
            compressed = beside.submit(listing.packed, listed.lines)
            sums.write(file, listed.sums, packing.locked_ns)
            work.target.write_bytes(compressed.result())
        return {"overlaid": listed.overlaid[:1], "bytes": listed.bytes, LOCKED: packing.locked_ns}

    on = (packing.synced.step.name,) if packing.synced else ()
    return Step("list", "list the content", _content_of(packing), "file", CONTENT_LIST, on=on, version=2, run=run_)


def pack_step(packing: Packing) -> Step:
    """Return the step that packs the root; its digest covers the tree only if that was looked at before."""

    def run_(work: Work) -> Facts:
        layer = _layer(packing, work)
        if packing.synced:
            for warning in packing.format.lost(layer.content):
                work.report.log(f"warning: {warning}")
        if layer.is_empty:
            work.target.touch()
            return {**layer.facts, LOCKED: packing.locked_ns}
        return {**layer.facts, **_pack(packing, layer.content, work), LOCKED: packing.locked_ns}

    described = packing.described
    data = {"pack": described, **_content_of(packing)}
    method = [described["method"]] if packing.format.unpacked else []
    tree = ["dm-verity"] if packing.verity else []
    paths = f"{len(packing.content.listed.kept)} paths"
    what = [", ".join([*method, described["compression"], *tree, paths]), *packing.lost]
    on = (packing.synced.step.name,) if packing.synced else ()
    if packing.layering:
        data["over"] = packing.layering.digest
        what.append(str(packing.layering))
        on = (*on, "list")
    title, said = "pack", "; ".join(what)
    return Step("pack", title, data, "file", packing.format.file_name, on=on, summary=said, total=WHOLE, run=run_)


def _content_of(packing: Packing) -> dict[str, Any]:
    """Return what says which content is packed."""
    return {
        "built": packing.record.get("steps", {}),
        "excluded": digest_of(list(packing.content.listed.excluded)),
        "tree": packing.tree,
        **({"exlist": packing.patterns} if packing.synced else {}),
    }


def _layer(packing: Packing, work: Work) -> Layer:
    """Return what is packed: all of the content, unless it is packed in layers."""
    if packing.layering is None:
        return Layer(packing.laid())
    layer = packing.layering.over(packing.laid(), work.path(CONTENT_LIST), work.facts(CONTENT_LIST))
    work.report.log(str(layer))
    return layer


def _pack(packing: Packing, content: Content, work: Work) -> Facts:
    """Pack a content; return the root hash if the root gets a hash tree."""
    try:
        packing.format.pack(content, work.target, work.report)
        return {"verity": verity.add(work.target)} if packing.verity else {}
    except CommandError as error:
        argv = shlex.join(error.argv).encode(errors="replace").decode()
        raise BuildError(f"packimage failed while running: {argv}\n{error.tail}", hint=error.hint) from error


def who_packs(packing: Packing) -> Facts:
    """Return who packs now, with which programs, and the state of the lists that say what is packed."""
    packed = packing.format
    return run_facts(programs_of(packed.described), packing.lists, libraries=packed.libraries)


def publish_step(packing: Packing, catalog: Catalog, packed_by: Callable[[], Facts]) -> Step:
    """Return the step that sums what was made, looks whether the tree stayed as it was, and publishes."""

    def run_(work: Work) -> None:
        with ThreadPoolExecutor() as beside:
            staged = Staging(work.target, beside)
            # Not beside the packing, which leaves no processor idle; the sum needs only one.
            looking = beside.submit(packing.looked_at)
            for name in BESIDE:  # the disk writes them while the root is summed
                staged.add(name)
            roots = _roots(packing, work, staged)
            source = looking.result().source
            if not source.tree:
                _refuse_layer(packing)
                work.report.log("the tree was changed while it was packed: the next packimage packs it again")
            (work.target / JOURNAL).unlink()
            content = {**packing.asked, **roots, "packages": work.facts(MANIFEST)["packages"]}
            origin = {"made": _made(packing, staged, packed_by())}
            sign = packing.signer.sign if packing.signer else None
            catalog.publish(staged, content, source, gated=packing.gated, origin=origin, sign=sign)

    names = (KERNEL, INITRD, "manifest", "pack")
    return Step("publish", "publish", packing.asked, "nothing", on=names, summary=packing.image, run=run_)


def _made(packing: Packing, staged: Staging, packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what image.json says of how the image came to be."""
    text = (staged.path / MANIFEST).read_text()
    known = {name: packing.record[name] for name in ("lock", "container") if packing.record.get(name)}
    return {
        GENIMAGE: {**packing.record.get(PROVENANCE, {}), "steps": packing.record.get("steps", {})},
        PACKIMAGE: packed,
        **known,
        **contents(manifest.from_json(text, MANIFEST), str(staged.facts[MANIFEST]["sha256"])),
    }


def _roots(packing: Packing, work: Work, staged: Staging) -> dict[str, Any]:
    """Add the roots to what is published, those of the base as links; return what image.json says of their order."""
    own, facts = packing.format.file_name, work.facts(packing.format.file_name)
    if packing.layering is None:
        staged.add(own, verity=facts.get("verity", ""))
        return {}
    staged.add(CONTENT_LIST)
    names = lower_names(own, int(facts.get("lower", 0)))
    linked = [*names, own] if facts.get("same") else names
    if base := packing.layering.base:
        for name, root in zip(linked, base.roots, strict=False):
            staged.link(name, base, root)
    if own not in linked:
        staged.add(own, verity=facts.get("verity", ""))
    return {"roots": [*names, own]} if names else {}


def _refuse_layer(packing: Packing) -> None:
    """Raise BuildError for a content list that may not tell what was packed: a layer over it could show anything."""
    if packing.layering:
        raise BuildError(f"the tree of {packing.image} was changed while it was packed", hint="pack it again")


def is_stale(packing: Packing, shelf: DirectoryShelf) -> bool:
    """Tell whether the tree was changed since a killed run made what it has left: digests of steps do not tell."""
    locked = [one.facts[LOCKED] for one in shelf.new.values() if LOCKED in one.facts]
    return bool(locked) and packing.changed_since(min(locked))
