"""Prepare the row `boot`: one packed image, two equal nodes, and the initrd and boot script of the peer."""

from __future__ import annotations

import asyncio
import shutil

from sbkernel import resources
from sbkernel.bench.peers import dracut
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.initrd.build import DEFAULT_DRIVERS
from sbkernel.images.packimage import packimage
from sbkernel.images.spec import read_spec
from sbkernel.images.tree.kernel import choose_kernel
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.server import SiteServer
from sbkernel.nodes.mkvm import mkvm
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.site import Site

BOOTED, DRACUT = "bench", "bench-dracut"
OURS, PEER = "bench1", "bench2"
_MEMORY_MB = 2048
INITRD = "bench/livenet.img"


def prepare(work: Workspace) -> ImageVersion:
    """Build and pack the image, set both nodes to it and give the peer its initrd; return what both boot."""
    _define(work)
    work.built(BOOTED)
    packimage(work.site, BOOTED)
    version = Catalog(work.site).current(BOOTED)
    asyncio.run(Probe(work.site.cache).usable(version.kernel))
    for node in (OURS, PEER):
        mkvm(work.site, node, memory_mb=_MEMORY_MB)
        nodeset(work.site, node, f"osimage={BOOTED}")
    _build_peer_initrd(work)
    _change_peer_script(work.site, version)
    return version


def _define(work: Workspace) -> None:
    """Define two images: the compute image with a script that reports what runs, and a small one to run dracut in."""
    site = work.site
    if BOOTED not in site.osimages:
        site.clone(COMPUTE_IMAGE, BOOTED)
    site.set("osimage", BOOTED, postinstall=str(resources.templates() / "bench" / "proof.sh"))
    kernels = [name for name in read_spec(site, COMPUTE_IMAGE).packages if name.startswith("linux-image")]
    pkglist = work.root / f"{DRACUT}.pkglist"
    pkglist.write_text("".join(f"{name}\n" for name in (*kernels, *dracut.PACKAGES)))
    like = site.osimages[COMPUTE_IMAGE]
    kept = {key: like.get(key) for key in ("imagetype", "osarch", "osname", "osvers", "provmethod", "pkgdir")}
    site.set("osimage", DRACUT, **kept, profile=DRACUT, pkglist=str(pkglist))


def _build_peer_initrd(work: Workspace) -> None:
    root = work.built(DRACUT).tree
    work.say("boot: building dracut's initrd (not timed)")
    initrd = work.site.boot / INITRD
    initrd.parent.mkdir(exist_ok=True)
    shutil.copyfile(dracut.build(root, choose_kernel(root), DEFAULT_DRIVERS), initrd)


def _change_peer_script(site: Site, version: ImageVersion) -> None:
    server = SiteServer.of(site).seen_by(site.nodes[PEER])
    script = site.boot / "nodes" / f"{PEER}.ipxe"
    root = server.url(f"catalog/{version.digest}/{version.root.name}")
    script.write_text(dracut.boot_script(script.read_text(), server.url(f"boot/{INITRD}"), root))


def described_sizes(site: Site, version: ImageVersion) -> str:
    """Return the sizes of the initrds and of the packed root as text."""
    ours, peer, root = (path.stat().st_size / 1e6 for path in (version.initrd, site.boot / INITRD, version.root))
    return f"initrd: ours {ours:.1f} MB, the peer's {peer:.1f} MB; packed root of both {root:.1f} MB"
