"""The steps of packimage: what each depends on, stands on and makes, and the function that does it."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.staging import Staging
from sbkernel.images.catalog.version import FILES, file_facts
from sbkernel.images.pack.packing import Packing
from sbkernel.images.pack.squashfs import WHOLE, exclude_patterns, follow, memory_mb, pack_argv
from sbkernel.images.plan import Facts, Step, Work, digest_of
from sbkernel.images.shelf import JOURNAL
from sbkernel.images.tree.installed import of_built
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

KERNEL, INITRD, MANIFEST, ROOT = "kernel", "initrd", "manifest.json", "root.squashfs"


def packimage_steps(packing: Packing, catalog: Catalog) -> tuple[Step, ...]:
    """Return all steps that pack and publish an image, in order."""
    return (
        copy_step(KERNEL, packing.built.kernel),
        copy_step(INITRD, packing.built.initrd),
        manifest_step(packing),
        pack_step(packing),
        publish_step(packing, catalog),
    )


def copy_step(name: str, source: Path) -> Step:
    """Return the step that takes kernel or initrd along."""

    def run_(work: Work) -> None:
        shutil.copyfile(source, work.target)

    return Step(name, f"copy the {name}", file_facts(source), "file", name, run=run_)


def manifest_step(packing: Packing) -> Step:
    """Return the step that writes down which packages are inside."""

    def run_(work: Work) -> Facts:
        manifest = of_built(packing.built, packing.image)
        work.target.write_text(manifest.to_json())
        return {"packages": len(manifest)}

    data = {"image": packing.image, "built": packing.record.get("steps", {}), "tree": packing.tree}
    return Step("manifest", "list the packages", data, "file", MANIFEST, beside=True, run=run_)


def pack_step(packing: Packing) -> Step:
    """Return the step that packs the root; its digest covers the tree only if that was looked at before."""

    def run_(work: Work) -> None:
        squash(packing, work.target, work.report)

    data = {
        "pack": packing.options.as_dict(),
        "built": packing.record.get("steps", {}),
        "excluded": digest_of(list(packing.listed.excluded)),
        "tree": packing.tree,
    }
    what = f"{packing.options.compression}, {len(packing.listed.kept)} paths"
    return Step("pack", "pack", data, "file", ROOT, summary=what, total=WHOLE, run=run_)


def publish_step(packing: Packing, catalog: Catalog) -> Step:
    """Return the step that sums what was made, looks whether the tree stayed as it was, and publishes."""

    def run_(work: Work) -> None:
        with ThreadPoolExecutor() as beside:
            staged = Staging(work.target, beside)
            # Not beside mksquashfs, which leaves no processor idle; the sum needs only one.
            looking = beside.submit(packing.looked_at)
            for name in FILES:
                staged.add(name)
            source = looking.result().source
            if not source.tree:
                work.report.log("the tree was changed while it was packed: the next packimage packs it again")
            (work.target / JOURNAL).unlink()
            content = {**packing.asked, "packages": work.facts(MANIFEST)["packages"]}
            catalog.publish(staged, content, source)

    names = (KERNEL, INITRD, "manifest", "pack")
    return Step("publish", "publish", packing.asked, "nothing", on=names, summary=packing.image, run=run_)


def squash(packing: Packing, target: Path, report: Report) -> None:
    """Pack what the list leaves of the tree with mksquashfs(1)."""
    text, odd = exclude_patterns(packing.listed.excluded)
    exclude_file = target.with_name(".exclude")
    exclude_file.write_text(text, encoding="utf-8", errors="surrogateescape")
    target.unlink(missing_ok=True)
    argv = pack_argv(
        packing.built.tree,
        target,
        packing.options,
        exclude_file,
        odd,
        made=int(packing.built.tree.lstat().st_mtime),
        memory_mb=memory_mb(len(os.sched_getaffinity(0)), _machine_mb()),
    )
    run(
        argv,
        env={"SOURCE_DATE_EPOCH": None},  # mksquashfs takes one way of saying when, not two
        on_line=follow(report),
        isolated=os.geteuid() != 0,
    )
    exclude_file.unlink()


def _machine_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
