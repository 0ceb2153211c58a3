"""packimage in layers: what is packed, linked and served by digest; when it is flat; kills and collections."""

import gzip
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ordinaryuser import as_user, home  # noqa: F401 - the fixture
from seenstack import described, seen
from smallimage import age, leftovers
from test_packimage import IMAGE, define, plant

from sbkernel.errors import BuildError
from sbkernel.images import manifests
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import CONTENT_LIST, ImageVersion
from sbkernel.images.pack.content import Content, content_of
from sbkernel.images.pack.difference import difference
from sbkernel.images.pack.erofs import Erofs
from sbkernel.images.pack.listing import parsed
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.images.tree.directories import of_root
from sbkernel.jobs.report import NullReport, Report
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

LEFT = b"left by who was killed before he published it"
INITRD = b"initrd with lib/sbkernel/unpack.sh\0 and lib/sbkernel/layers.sh\0"
EROFS = b"lib/sbkernel/verify.sh\0lib/modules/6.1/erofs.ko\0"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, IMAGE, tmp_path / "built")
    return site


@pytest.fixture
def tree(site: Site, tmp_path: Path) -> Path:
    tree = plant(tmp_path / "built", megabytes=3)
    (tmp_path / "built/initrd-stateless.gz").write_bytes(INITRD)
    return tree


def stack(version: ImageVersion) -> list[Path]:
    return [version.dir / root.name for root in version.roots]


def served(site: Site) -> list[str]:
    return sorted(path.name for path in (site.catalog / "layers").iterdir())


def change(tree: Path, number: int = 0) -> None:
    (tree / f"usr/bin/new{number}").write_text("new")
    (tree / "root/file").unlink(missing_ok=True)


def test_a_change_is_a_small_layer_over_what_was_packed_before(site: Site, tree: Path, tmp_path: Path) -> None:
    first = packimage(site, IMAGE, layered=True)
    assert (len(first["roots"]), first["flat"]) == (1, "there is no version to lie over")
    change(tree)
    second = packimage(site, IMAGE, layered=True)
    assert second["roots"][0] == first["size"] > 100 * second["roots"][1] and second["flat"] == ""
    catalog = Catalog(site)
    base, version = catalog.get(first["digest"]), catalog.current(IMAGE)
    assert [root.name for root in version.roots] == ["root.0.squashfs", "root.squashfs"]
    assert version.root.samefile(base.root) and version.damaged() == []
    assert seen(tmp_path / "seen", stack(version)) == described(tree)
    assert packimage(site, IMAGE, layered=True)["cached"]
    assert not plan_packimage(site, IMAGE, layered=True).pending


def test_its_roots_are_served_by_their_digests_until_no_version_has_them(site: Site, tree: Path) -> None:
    catalog, digests = Catalog(site), []
    for number in range(3):
        change(tree, number)
        digests.append(packimage(site, IMAGE, layered=True)["digest"])
    catalog.promote(f"{IMAGE}@{digests[0]}")
    versions = [catalog.get(digest) for digest in digests]
    assert served(site) == sorted(f"{root.sha256}.squashfs" for root in versions[2].roots)
    assert all((site.catalog / "layers" / f"{root.sha256}.squashfs").samefile(versions[2].dir / root.name)
               for root in versions[2].roots)  # fmt: skip
    for name in (f"{'0' * 64}.squashfs", f".{'1' * 64}.squashfs"):
        (site.catalog / "layers" / name).write_bytes(LEFT)
    age(site, IMAGE, 31)
    packimage(site, IMAGE, flat=True)
    catalog.promote(IMAGE)
    done = gc(site, keep=0, older_than="0d")
    freed = done.freed_bytes
    left = catalog.versions(IMAGE)
    assert served(site) == sorted({f"{root.sha256}.squashfs" for version in left for root in version.roots})
    assert not any(version.damaged() for version in left)
    gone = [version for version in versions if not version.dir.exists()]
    assert done.leftover_bytes == 2 * len(LEFT)
    assert gone and freed < sum(version.size_bytes for version in gone), "a root that several had is freed once"
    assert leftovers(site.catalog) == [] == leftovers(site.catalog / "layers")


def test_four_roots_at_most_then_it_is_flat_again(site: Site, tree: Path, tmp_path: Path) -> None:
    counts = []
    for number in range(6):
        change(tree, number)
        done = packimage(site, IMAGE, layered=True)
        counts.append(len(done["roots"]))
        assert seen(tmp_path / "seen", stack(Catalog(site).current(IMAGE))) == described(tree)
    assert counts == [1, 2, 3, 4, 1, 2]


def test_layers_of_erofs(site: Site, tree: Path, tmp_path: Path) -> None:
    """mkfs.erofs makes up no whiteouts; what a layer holds is copied beside the tree, which stays as it is."""
    (tree.parent / "initrd-stateless.gz").write_bytes(INITRD + EROFS)
    before = described(tree)
    first = packimage(site, IMAGE, layered=True, method="erofs")
    assert described(tree) == before
    status = tree / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("libc6", "musl"))
    change(tree)
    before = described(tree)
    second = packimage(site, IMAGE, layered=True, method="erofs")
    assert second["roots"][0] == first["size"] > 50 * second["roots"][1] and second["flat"] == ""
    version = Catalog(site).current(IMAGE)
    assert [root.name for root in version.roots] == ["root.0.erofs", "root.erofs"]
    assert seen(tmp_path / "seen", stack(version)) == described(tree) == before
    assert [package.name for package in manifests.of_stack(version)] == ["base-files", "musl"]
    assert packimage(site, IMAGE, layered=True, method="erofs")["cached"]
    assert not (tree.parent / ".layer").exists()
    again = packimage(site, IMAGE, layered=True, method="erofs", force=True)
    assert again["roots"][0] == first["size"], "over itself nothing has changed"


def test_a_layer_of_erofs_is_the_same_every_time(site: Site, tree: Path, tmp_path: Path) -> None:
    whole = content_of(tree, exclude=[], include=[])
    below = parsed(whole.content_list().lines)
    change(tree)
    digests = set()
    for number in range(2):
        changed = content_of(tree, exclude=[], include=[])
        layer = changed.layer(difference(below, parsed(changed.content_list().lines)))
        Erofs().pack(layer, tmp_path / str(number), NullReport())
        digests.add((tmp_path / str(number)).read_bytes())
        (tmp_path / "built/.layer").mkdir()
        (tmp_path / "built/.layer/left").touch()  # by who was killed
    assert len(digests) == 1


def test_it_is_flattened_on_request(site: Site, tree: Path) -> None:
    packimage(site, IMAGE, layered=True)
    change(tree)
    assert len(packimage(site, IMAGE, layered=True)["roots"]) == 2
    flat = packimage(site, IMAGE, flat=True)
    assert (len(flat["roots"]), flat["flat"], flat["cached"]) == (1, "as asked for", False)
    for words in ({"flat": True}, {"layered": True}):
        again = packimage(site, IMAGE, **words)
        assert (again["digest"], again["cached"]) == (flat["digest"], True)


def old_initrd(site: Site, tree: Path) -> dict[str, str]:
    (tree.parent / "initrd-stateless.gz").write_bytes(INITRD.replace(b"layers", b"stages"))
    return {}


def much(site: Site, tree: Path) -> dict[str, str]:
    (tree / "big0").write_bytes(os.urandom(1_000_000))
    (tree / "big1").write_bytes(os.urandom(1_000_000))
    return {}


def of_overlayfs(site: Site, tree: Path) -> dict[str, str]:
    os.setxattr(tree / "root", "trusted.overlay.opaque", b"y")
    return {}


def unlisted(site: Site, tree: Path) -> dict[str, str]:
    packimage(site, IMAGE)
    return {}


def damaged(site: Site, tree: Path) -> dict[str, str]:
    (Catalog(site).current(IMAGE).dir / CONTENT_LIST).write_bytes(b"\x1f\x8bx")
    return {}


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (old_initrd, "the initrd knows no layers; sb genimage makes a new one"),
        (much, "2.0 MB of 3.0 MB have changed"),
        (of_overlayfs, "./root has attributes of overlayfs"),
        (unlisted, "was not packed in layers"),
        (damaged, "content.gz is no content list"),
        (lambda *_: {"compression": "gzip"}, "was packed in another way"),
        (lambda *_: {"block_size": "1M"}, "was packed in another way"),
        (lambda *_: {"method": "tar", "compression": "gzip"}, "tar makes no layers"),
    ],
)
def test_else_it_is_flat_and_says_why(
    site: Site, tree: Path, prepare: Callable[[Site, Path], dict[str, str]], why: str
) -> None:
    packimage(site, IMAGE, layered=True)
    words = prepare(site, tree)
    change(tree)
    done = packimage(site, IMAGE, layered=True, **words)  # type: ignore[arg-type]
    assert len(done["roots"]) == 1 and why in done["flat"]


def test_a_root_in_which_nothing_has_changed_is_taken_as_it_is(site: Site, tree: Path) -> None:
    base = packimage(site, IMAGE, layered=True)
    change(tree)
    stacked = packimage(site, IMAGE, layered=True)
    (tree.parent / "kernel").write_bytes(b"another kernel")
    again = packimage(site, IMAGE, layered=True)
    assert again["digest"] != stacked["digest"] and again["roots"] == stacked["roots"] != base["roots"]
    version = Catalog(site).current(IMAGE)
    assert version.roots == Catalog(site).get(stacked["digest"]).roots and version.damaged() == []


def test_what_the_exlist_and_synclists_change_is_in_the_layer(site: Site, tree: Path, tmp_path: Path) -> None:
    packimage(site, IMAGE, layered=True)
    (tmp_path / "exlist").write_text("./usr/share/doc*\n./big2\n")
    (tmp_path / "motd").write_text("laid")
    (tmp_path / "sync").write_text(f"{tmp_path}/motd -> /etc/motd\n")
    site.set("osimage", IMAGE, exlist=str(tmp_path / "exlist"), synclists=str(tmp_path / "sync"))
    done = packimage(site, IMAGE, layered=True)
    assert len(done["roots"]) == 2
    found, whole = seen(tmp_path / "seen", stack(Catalog(site).current(IMAGE))), described(tree)
    left = ("usr/share/doc", "big2", "usr/bin/hardlink")
    assert set(found) - set(whole) == {"etc", "etc/motd"}
    assert {path for path in whole if path not in found} == {p for p in whole if p.startswith(left[:2])}
    assert all(found[path] == whole[path] for path in found if path in whole and path not in (".", *left, "usr/share"))


def test_the_same_changes_give_the_same_bytes_elsewhere(site: Site, tree: Path, tmp_path: Path) -> None:
    with Site.open(tmp_path / "other") as other:
        define(other, IMAGE, tmp_path / "else")
        subprocess.run(["cp", "-a", tmp_path / "built", tmp_path / "else"], check=True)
        for number in range(2):
            for where in (tree, tmp_path / "else/rootimg"):
                change(where, number)
                touch = ["-exec", "touch", "-hd@1600000000", "{}", "+"]
                subprocess.run(["find", where, "-newermt", "@1600000000", *touch], check=True)
            assert packimage(site, IMAGE, layered=True)["digest"] == packimage(other, IMAGE, layered=True)["digest"]


def test_a_tree_that_changes_meanwhile_gets_no_layer(site: Site, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content list may be wrong, and the next layer would lie over something else."""
    pack = Squashfs.pack

    def packed(self: Squashfs, content: Content, target: Path, report: Report) -> None:
        pack(self, content, target, report)
        (tree / "root/late").write_text("x")

    monkeypatch.setattr(Squashfs, "pack", packed)
    with pytest.raises(BuildError, match="changed while it was packed\n  pack it again"):
        packimage(site, IMAGE, layered=True)
    assert leftovers(site.catalog) == [] and not Catalog(site).versions()


def test_a_root_that_cannot_be_linked_is_said_with_the_way_out(site: Site, tree: Path) -> None:
    packimage(site, IMAGE, layered=True)
    Catalog(site).current(IMAGE).root.unlink()
    change(tree)
    said = r"root.squashfs cannot lie below another version: No such file or directory\n  sb packimage small --flat"
    with pytest.raises(BuildError, match=said):
        packimage(site, IMAGE, layered=True)
    assert leftovers(site.catalog) == []
    assert len(packimage(site, IMAGE, flat=True)["roots"]) == 1


def test_a_device_that_overlayfs_takes_for_a_whiteout_is_not_seen(site: Site, tree: Path, tmp_path: Path) -> None:
    (tree / "usr/bin/was").write_text("x")
    packimage(site, IMAGE, layered=True)
    (tree / "usr/bin/was").unlink()
    os.mknod(tree / "usr/bin/was", stat.S_IFCHR, 0)
    packimage(site, IMAGE, layered=True)
    assert "usr/bin/was" not in seen(tmp_path / "seen", stack(Catalog(site).current(IMAGE)))


def test_manifests_and_sizes_are_those_of_the_stack(site: Site, tree: Path) -> None:
    packimage(site, IMAGE, layered=True)
    status = tree / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("libc6", "musl"))
    change(tree)
    packimage(site, IMAGE, layered=True)
    version = Catalog(site).current(IMAGE)
    assert [package.name for package in manifests.of_stack(version)] == ["base-files", "musl"]
    assert of_root(version.root) == of_root(tree)


KILLED = """
import sys
from sbkernel.images.packimage import packimage
from sbkernel.site import Site
packimage(Site.open(sys.argv[1]), "small", layered=True)
"""


def test_killed_at_any_moment_the_site_is_whole(site: Site, tree: Path, tmp_path: Path) -> None:
    """The moments are spread over a whole packing, the first of which nobody kills."""
    packimage(site, IMAGE, layered=True)
    chance = random.Random(5)
    for number in range(8):
        change(tree, number)
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(site.root)])
        try:
            process.wait(chance.uniform(0.2, 1.2))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert all(version.damaged() == [] for version in Catalog(site).versions())
    done = packimage(site, IMAGE, layered=True)
    assert seen(tmp_path / "seen", stack(Catalog(site).get(done["digest"]))) == described(tree)
    gc(site)
    assert leftovers(site.catalog) == []
    roots = {f"{root.sha256}.squashfs" for version in Catalog(site).versions() for root in version.roots}
    assert set(served(site)) == roots


AS_USER = """
import json, subprocess
from pathlib import Path
from sbkernel.images import manifests
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.jobs.run import run
from sbkernel.site import Site
built = Path.home() / "built"
built.mkdir()
script = '''mkdir -p rootimg/var/closed rootimg/var/lib/dpkg; echo secret >rootimg/var/closed/file
head -c 300000 /dev/urandom >rootimg/large; echo x >rootimg/var/lib/dpkg/status; mkdir rootimg/var/lib/apt
echo x >rootimg/var/lib/apt/extended_states; chown -R 33:34 rootimg/var/closed; chmod 700 rootimg/var/closed'''
run(["sh", "-c", script], isolated=True, cwd=built)
for name in ("kernel", "initrd-stateless.gz", "plan.json"):
    (built / name).write_text('{"lib/sbkernel/layers.sh\\0": ""}' if name != "plan.json" else "{}")
with Site.open(Path.home() / "site") as site:
    site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
             imagetype="linux", rootimgdir=str(built), pkglist="/dev/null")
    packimage(site, "img", layered=True)
    script = "rm rootimg/var/closed/file rootimg/var/lib/apt/extended_states; echo more >rootimg/var/closed/other"
    run(["sh", "-c", script], isolated=True, cwd=built)
    done = packimage(site, "img", layered=True)
    version = Catalog(site).current("img")
    manifests.of_stack(version)
    top = version.dir / version.roots[-1].name
run(["rm", "-r", "rootimg"], isolated=True, cwd=built)
print(json.dumps([done["roots"], run(["unsquashfs", "-llnumeric", "-d", "", top]).stdout]))
"""


def test_an_ordinary_user_packs_whiteouts_of_erofs(home: Path) -> None:  # noqa: F811
    script = AS_USER.replace("layered=True", 'layered=True, method="erofs"')
    script = script.replace("layers.sh", r"layers.sh\0 lib/sbkernel/verify.sh\0 lib/modules/6.1/erofs.ko")
    *head, _ = script.splitlines()
    top = as_user(home, "-c", "\n".join([*head, "print(top)"])).splitlines()[-1]
    listed = 'mount -o ro,loop "$1" /mnt && find /mnt -printf "%y %U %G %P\\n"'
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", listed, "sh", top], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert {"c 0 0 var/closed/file", "d 33 34 var/closed", "c 0 0 var/lib/apt/extended_states"} <= {*lines}, done
    assert "large" not in done.stdout


def test_an_ordinary_user_packs_whiteouts(home: Path) -> None:  # noqa: F811
    said = as_user(home, "-c", AS_USER).splitlines()[-1]
    assert said.count("c---------") == 2 and "/var/closed/file" in said and "33/34" in said
    assert "large" not in said


@pytest.mark.parametrize("damage", ["content list", "lines", "image.json"])
def test_over_a_damaged_version_no_layer_is_packed(site: Site, tree: Path, damage: str) -> None:
    packimage(site, IMAGE, layered=True)
    change(tree)
    last = Catalog(site).current(IMAGE)
    file = last.dir / ("image.json" if damage == "image.json" else CONTENT_LIST)
    whole = file.read_bytes()
    file.write_bytes(gzip.compress(gzip.decompress(whole) + b"7\n") if damage == "lines" else whole[:10] + b"\xff" * 99)
    done = packimage(site, IMAGE, layered=True)
    assert len(done["roots"]) == 1
    assert ("there is no version" if damage == "image.json" else "no content list") in done["flat"]
    assert Catalog(site).current(IMAGE).damaged() == []
