"""imgcapture of real roots through a real sshd: what comes, what stays on the node, what becomes of it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from noderoot import EDITED, KEPT, KERNEL, TRACES, everything, make_root
from smallimage import publish
from sshd import sshd

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import BuildError, DefinitionError, NodeError, NotFoundError
from sbkernel.images.capture.captured import captured
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.manifests import of_build
from sbkernel.images.packimage import packimage
from sbkernel.nodes.capture import capture, packages, plan_capture
from sbkernel.records.why import why
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "it has blanks") as opened:
        yield opened


@pytest.fixture
def root(site: Site, tmp_path: Path) -> Iterator[Path]:
    """The root of a node n1 that runs Debian, on which a tmpfs is mounted."""
    tree = make_root(tmp_path / "root", "debian12")
    (tree / "scratch").mkdir()
    with sshd(site, "n1", tree, tmp_path / "sshd", mounts="/scratch"):
        yield tree


def sb(site: Site, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], prog_name="sb")
    return done.exit_code, done.output + (f"Error: {done.exception}" if done.exception else "")


@pytest.mark.parametrize("osvers", ["debian12", "rocky9.4"])
def test_what_comes_and_what_stays_on_the_node(site: Site, osvers: str, tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", osvers)
    before = everything(root)
    with sshd(site, "n1", root, tmp_path / "sshd"):
        done = capture(site, "n1", "taken", profile="role", nodebootif="eth9", netdrivers="b")
    tree = Path(done["rootimgdir"]) / "rootimg"
    found = everything(tree)
    assert {name: found[name].decode() for name in KEPT} == KEPT
    assert not (TRACES.keys() - {"etc/machine-id", "etc/hosts"}) & found.keys()
    assert found["etc/machine-id"] == b"" and b"node-before" not in found["etc/hosts"]
    assert not any(b"SECRET of the host" in data or b"SECRET of root" in data for data in found.values())
    assert (tree / "tmp").stat().st_mode & 0o7777 == 0o1777 and (tree / "var/log/apt").is_dir()
    assert [one.name for one in of_build(site, "taken")] == ["own-tool"]
    values = site.osimages["taken"].attributes
    assert (values["osvers"], values["profile"], values["nodebootif"], values["netdrivers"]) == (
        osvers, "role", "eth9", "b",
    )  # fmt: skip
    assert (done["packages"], done["kernelver"], done["of"]) == (1, KERNEL, "")
    assert done["remarks"] == ["private keys are among the files: /home/anna/.ssh/id_ed25519"]
    assert everything(root) == before, "the node is as it was"


def test_what_is_partly_of_the_node_is_edited(site: Site, root: Path) -> None:
    found = everything(Path(capture(site, "n1", "taken")["rootimgdir"]) / "rootimg")
    assert "etc/systemd/network/10-card.link" not in found
    assert found["etc/systemd/network/20-any.network"].decode() == EDITED["etc/systemd/network/20-any.network"]
    assert "etc/systemd/network/80-dhcp.network" in found
    assert b"10.1.2.3" not in found["etc/network/interfaces"]
    assert found["etc/shadow"].startswith(b"root:*:") and b"anna:$6$hers" in found["etc/shadow"]
    mounts = [line.split()[:4] for line in found["etc/fstab"].decode().splitlines()]
    assert ["server:/home", "/home", "nfs", "rw"] in mounts and ["tmpfs", "/tmp", "tmpfs", "size=50m"] in mounts
    assert "/proc" in [one[1] for one in mounts]
    assert not [one for one in mounts if one[0].startswith(("UUID", "/dev"))]


def test_owners_modes_links_and_attributes_come_along(site: Site, root: Path) -> None:
    os.chown(root / "etc/app.conf", 1234, 4321)
    tree = Path(capture(site, "n1", "taken")["rootimgdir"]) / "rootimg"
    status, before = ((place / "etc/app.conf").stat() for place in (tree, root))
    assert (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_mtime_ns) == (
        before.st_mode, 1234, 4321, 2, before.st_mtime_ns,
    )  # fmt: skip
    assert (tree / "opt/outside").readlink() == Path("/etc/app.conf")
    assert (tree / "usr/bin/tool").stat().st_mode & 0o7777 == 0o4755
    assert "cap_net_raw" in subprocess.run(["getcap", tree / "usr/bin/tool"], capture_output=True, text=True).stdout
    assert not (tree / "opt/pipe").exists()


def test_what_is_mounted_comes_only_when_asked_for(site: Site, root: Path) -> None:
    tree = Path(capture(site, "n1", "taken")["rootimgdir"]) / "rootimg"
    assert list((tree / "scratch").iterdir()) == [] == list((tree / "dev").iterdir())
    capture(site, "n1", "taken", mounts=["/scratch"])
    assert (tree / "scratch/mounted").read_text() == "on /scratch\n"
    for wrong, error in (("/opt", NodeError), ("/proc", NodeError), ("opt", DefinitionError), ("/", DefinitionError)):
        with pytest.raises(error, match="mount"):
            capture(site, "n1", "taken", mounts=[wrong])


def test_the_list_of_the_site_is_taken_but_not_for_the_identity_of_the_node(site: Site, root: Path) -> None:
    (root / "opt/deep/er").mkdir(parents=True)
    (root / "opt/deep/er/kept").write_text("x")
    (root / "opt/deep").chmod(0o750)
    listed = site.installdir / "custom/netboot/debian/role.debian12.imgcapture.exlist"
    listed.parent.mkdir(parents=True)
    listed.write_text("./opt*\n./tmp/*\n+./opt/deep/er/kept\n+./etc/ssh/*\n+./root/.ssh/*\n")
    tree = Path(capture(site, "n1", "taken", profile="role")["rootimgdir"]) / "rootimg"
    assert sorted(str(path.relative_to(tree)) for path in tree.glob("opt/**/*")) == [
        "opt/deep", "opt/deep/er", "opt/deep/er/kept",
    ]  # fmt: skip
    assert (tree / "opt/deep").stat().st_mode & 0o777 == 0o750
    assert not list(tree.glob("etc/ssh/*")) + list(tree.glob("root/.ssh/*"))
    listed.write_text("#INCLUDE:missing#\n")
    with pytest.raises(Exception, match=rf"^{listed}:1: "):
        capture(site, "n1", "taken", profile="role")
    planned = plan_capture(site, "n1", "other")
    assert planned.lists[0].name == "compute.imgcapture.exlist" and "left out: logs (2)" in str(planned)


def test_only_an_image_of_what_the_node_runs_is_replaced(site: Site, root: Path) -> None:
    for image, osvers, osarch in (("el", "rocky9.4", "x86_64"), ("arm", "debian12", "aarch64")):
        site.set("osimage", image, imagetype="linux", osvers=osvers, osarch=osarch, profile=image, provmethod="netboot")
        said = f"The 'osvers' or 'osarch' attribute of the \"{image}\" table doesn't match the node's attribute"
        with pytest.raises(BuildError, match=f"{said}\n  the node runs debian12 on x86_64, and {image} is {osvers} on"):
            capture(site, "n1", image)
    site.set("osimage", "disk", imagetype="linux", osvers="debian12", osarch="x86_64", provmethod="install")
    with pytest.raises(DefinitionError, match="provmethod is 'netboot'"):
        capture(site, "n1", "disk")
    with pytest.raises(NotFoundError):
        capture(site, "n2", "taken")
    assert not list(site.installdir.glob("netboot/**/rootimg"))


def test_a_build_from_lists_does_not_throw_a_capture_away(site: Site, root: Path) -> None:
    """The image is a clone of the one that the node boots, so it has lists from which it could be built."""
    site.set("node", "n1", provmethod="debian12-x86_64-netboot-compute@0123abcd")
    tree = Path(capture(site, "n1", "taken")["rootimgdir"]) / "rootimg"
    attributes = site.osimages["taken"].attributes
    assert attributes["parent"] == "debian12-x86_64-netboot-compute"
    assert Path(attributes["pkglist"]) == site.installdir / "custom/netboot/debian/taken.pkglist"
    assert tree.parent == site.installdir / "netboot/debian12/x86_64/taken"
    for build in (plan_genimage, genimage):
        with pytest.raises(BuildError, match=r"was captured from n1, .*would throw that away\n  sb packimage taken"):
            build(site, "taken")
    assert genimage(site, "taken", onlyinitrd=True)["built"] == ["kernel", "initrd"]
    (tree.parent / "kernel").unlink()
    with pytest.raises(BuildError, match="was captured from n1"):
        genimage(site, "taken")
    assert (tree / "etc/app.conf").read_text() == "tuned=1\n"
    assert captured(site, "taken").node == "n1"


def test_it_is_packed_as_any_image_and_says_where_it_came_from(site: Site, root: Path) -> None:
    """The root that the node had booted was packed without its kernel, as ours are."""
    running = os.uname().release
    (root / "opt/by hand\nodd").unlink()  # the list of a packed root has a line a file
    (root / f"boot/vmlinuz-{KERNEL}").unlink()
    (root / f"usr/lib/modules/{KERNEL}").rename(root / "usr/lib/modules" / running)
    with pytest.raises(BuildError, match="no kernel came from n1, and the catalog has not the image"):
        capture(site, "n1", "taken")
    booted = publish(site, _packed(root), "before", kernelver=running)
    (root / "run/sbkernel").mkdir()
    (root / "run/sbkernel/boot").write_text(f"node=n1\nserver=\nimage={booted.digest}\n")
    (root / "etc/app.conf").write_text("tuned=2, by hand\n")
    (root / "etc/made").write_text("by hand\n")
    (root / "usr/bin/tool").unlink()
    done = capture(site, "n1", "taken")
    assert (Path(done["rootimgdir"]) / "kernel").read_bytes() == (booted.dir / "kernel").read_bytes()
    found = captured(site, "taken")
    assert [(one.change, one.path) for one in found.changes] == [
        ("changed", "etc/app.conf"), ("added", "etc/made"), ("changed", "opt/also"), ("removed", "usr/bin/tool"),
    ]  # fmt: skip
    assert (done["kernelver"], done["of"], done["changed"]) == (running, f"before@{booted.digest[:8]}", 4)
    assert list(found.df.columns) == ["change", "path", "old_size", "new_size"] and len(found.df) == 4
    assert not packages(site, "taken").rows, "that image has no definition any more, but its version is there"
    packed = packimage(site, "taken")
    told = str(why(site, f"taken@{packed['digest']}"))
    assert "\nimgcapture  " in told and f"  from      n1, {told.split('  from      n1, ')[1]}" in told
    assert f"which had booted before@{booted.digest[:8]}, Linux {running}" in told
    assert packimage(site, "taken")["cached"]
    subprocess.run(["unsquashfs", "-q", "-d", root.parent / "out", site.catalog / packed["digest"] / "root.squashfs"],
                   check=True, capture_output=True)  # fmt: skip
    assert (root.parent / "out/etc/made").read_text() == "by hand\n"


def _packed(root: Path) -> bytes:
    """Return a root packed without what a node brings itself, as its image was."""
    shutil.rmtree(root / "scratch")
    (root / "scratch").mkdir()
    target = root.parent / "before.squashfs"
    left_out = [name for name in (*TRACES, "boot", "proc", "dev", "opt/pipe", "run") if (root / name).exists()]
    subprocess.run(["mksquashfs", root, target, "-quiet", "-no-progress", "-one-file-system", "-e", *left_out],
                   check=True, capture_output=True)  # fmt: skip
    return target.read_bytes()


def test_the_verb_says_what_xcat_says(site: Site, root: Path) -> None:
    status, said = sb(site, "imgcapture", "n1", "-t", "diskless", "-o", "taken", "--dry-run")
    assert status == 0 and "taken: debian12 x86_64, in " in said and "left out: keys of its sshd (2)" in said
    assert "taken" not in site.osimages
    status, said = sb(site, "imgcapture", "n1", "-t", "diskless", "-o", "taken", "-V")
    assert status == 0, said
    assert said.startswith("Capturing image on n1...\n") and said.endswith("Done.\n")
    assert "there is nothing to compare with" in said and "next: sb packimage taken" in said
    for words, wrong in (
        (("n1", "-t", "sysclone", "-o", "x"), "sysclone copies disks with SystemImager: only diskless images"),
        (("n1", "-t", "tape", "-o", "x"), "'tape' is no type of capture"),
        (("n1", "-t", "diskless", "-o", "x/y"), "x/y"),
        (("n7", "-t", "diskless", "-o", "x"), "n7"),
        (("n1", "-t", "diskless", "-o", "x", "-p", "../x"), "'../x' is no profile"),
    ):
        status, said = sb(site, "imgcapture", *words)
        assert status != 0 and wrong in said, said
