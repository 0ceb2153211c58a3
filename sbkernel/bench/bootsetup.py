"""Prepare the rows `boot`: an image packed for each kind of root, equal nodes, initrd and boot script of the peer."""

from __future__ import annotations

import asyncio
import shutil

from sbkernel import resources
from sbkernel.bench.peers import dracut
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.files import write_whole
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.initrd.build import DEFAULT_DRIVERS
from sbkernel.images.packimage import packimage
from sbkernel.images.spec import read_spec
from sbkernel.images.tree.kernel import choose_kernel
from sbkernel.jobs.report import NullReport
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.server import SiteServer
from sbkernel.nodes.mkvm import mkvm
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.site import Site

BOOTED, DRACUT = "bench", "bench-dracut"
KINDS = ("ram", "tmpfs", "zram", "lazy", "disk")
OURS, PEER = {kind: f"bench-{kind}" for kind in KINDS}, "bench-peer"
_MEMORY_MB = 2048
_DISK_MB = 4000
INITRD = "bench/livenet.img"


def prepare(work: Workspace) -> dict[str, ImageVersion]:
    """Build the image, pack it and set a node to it for each kind of root; give the peer its initrd.

    Return by kind what nodes boot. The peer's root is that of the first kind, which the others hold, too.
    """
    _define(work)
    versions = {}
    for kind in KINDS:
        work.site.set("osimage", BOOTED, rootkind=kind)
        work.build_again(NullReport(), BOOTED)
        packimage(work.site, BOOTED)
        versions[kind] = Catalog(work.site).current(BOOTED)
        _set_node(work.site, OURS[kind], _DISK_MB if kind == "disk" else 0)
        if kind == KINDS[0]:
            _set_node(work.site, PEER)
    asyncio.run(Probe(work.site.cache).usable(versions[KINDS[0]].kernel))
    _build_peer_initrd(work)
    _change_peer_script(work.site, versions[KINDS[0]])
    return versions


def _set_node(site: Site, node: str, disk_mb: int = 0) -> None:
    mkvm(site, node, memory_mb=_MEMORY_MB, disk_mb=disk_mb)
    nodeset(site, node, f"osimage={BOOTED}")[node]


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
    # Never into the file that is there: it may be that of other nodes, too.
    write_whole(script, dracut.boot_script(script.read_text(), server.url(f"boot/{INITRD}"), root))


def described_sizes(site: Site, version: ImageVersion) -> str:
    """Return the sizes of the initrds and of the packed root as text."""
    ours, peer, root = (path.stat().st_size / 1e6 for path in (version.initrd, site.boot / INITRD, version.root))
    return f"initrd: ours {ours:.1f} MB, the peer's {peer:.1f} MB; packed root of both {root:.1f} MB"


def fetched(version: ImageVersion, kind: str) -> int:
    """Return the bytes that a node fetches: kernel, initrd, and the root unless it is read on demand, or there."""
    root = 0 if kind in ("lazy", "disk") else version.roots_size
    return version.kernel.stat().st_size + version.initrd.stat().st_size + root


def fetched_by_peer(site: Site, version: ImageVersion) -> int:
    """Return the same of the peer."""
    return version.kernel.stat().st_size + (site.boot / INITRD).stat().st_size + version.roots_size
