"""Bundles as xCAT's imgexport makes them come in, and what imgexport writes here is what xCAT's imgimport reads."""

import os
import random
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import everything, killed, lines_of
from smallimage import leftovers

from sbkernel.errors import BuildError, DefinitionError, SbkernelError
from sbkernel.images.bundle import manifestxml
from sbkernel.images.bundle.export_image import XCAT, export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.site import Site

NAME = "rocky9.4-x86_64-netboot-compute"
TREE = "/install/netboot/rocky9.4/x86_64/compute"
# As XML::Simple 2.25 writes it for these tables: XMLout($attribs, noattr => 1, xmldecl => '<?xml version="1.0"?>').
MANIFEST = f"""\
<?xml version="1.0"?>
<xcatimage>
  <extra>
    <dest>/install/custom/ntp</dest>
    <src>/etc/ntp.conf</src>
  </extra>
  <extra>
    <dest>/etc</dest>
    <src>/etc/hosts</src>
  </extra>
  <kernel>{TREE}/kernel</kernel>
  <linuximage>
    <addkcmdline>a=&quot;b&amp;c&quot; &lt;d&gt;</addkcmdline>
    <exlist>/opt/xcat/share/xcat/netboot/rocky/compute.exlist</exlist>
    <imagename>{NAME}</imagename>
    <pkgdir>/install/rocky9.4/x86_64</pkgdir>
    <pkglist>/install/custom/netboot/rocky/compute.pkglist</pkglist>
    <rootimgdir>{TREE}</rootimgdir>
  </linuximage>
  <osimage>
    <comments>of the lab</comments>
    <imagename>{NAME}</imagename>
    <imagetype>linux</imagetype>
    <osarch>x86_64</osarch>
    <osvers>rocky9.4</osvers>
    <profile>compute</profile>
    <provmethod>netboot</provmethod>
  </osimage>
  <postscripts>one,two</postscripts>
  <ramdisk>{TREE}/initrd-stateless.gz</ramdisk>
  <rootimg>{TREE}/ROOTIMG</rootimg>
</xcatimage>
"""
PACK = {
    "rootimg.gz": "find . | cpio -H newc -o --quiet | gzip -c -",
    "rootimg.cpio.xz": "find . | cpio -H newc -o --quiet | xz --check=crc32 -c",
    "rootimg.tar.gz": "tar --selinux --xattrs-include='*' --acls -cf - . 2>/dev/null | gzip -c -",
    "rootimg.sfs": "mksquashfs . ../packed -quiet -no-progress >&2 && cat ../packed",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def xcat_bundle(place: Path, rootimg: str = "rootimg.gz", **changes: str) -> Path:
    """Make a bundle as imgexport does: a directory of the image's name, tarred from above it."""
    tree = place / "tree"
    modules = tree / "lib/modules/5.14.0-427.el9.x86_64"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/a.ko:\n")
    (tree / "etc").mkdir()
    (tree / "etc/owned").write_text("x")
    os.chown(tree / "etc/owned", 123, 456)
    (tree / "etc/owned").chmod(0o640)
    (tree / "bin").symlink_to("usr/bin")
    (tree / "dev").mkdir()
    image = place / "work" / NAME
    (image / "extra").mkdir(parents=True)
    with (image / rootimg).open("wb") as out:
        subprocess.run(["sh", "-c", PACK[rootimg]], cwd=tree, stdout=out, check=True)
    text = MANIFEST.replace("ROOTIMG", rootimg)
    for before, after in changes.items():
        text = text.replace(before, after)
    files = {
        "manifest.xml": text, "kernel": "a kernel", "initrd-stateless.gz": "xCAT's", "compute.pkglist": "bash\n",
        "compute.exlist": "./boot*\n", "extra/ntp.conf": "server x\n", "extra/hosts": "127.0.0.1 x\n",
    }  # fmt: skip
    for name, content in files.items():
        (image / name).write_text(content)
    bundle = place / f"{NAME}.tgz"
    subprocess.run(["tar", "czf", bundle, "."], cwd=place / "work", check=True)
    return bundle


def listed(root: Path) -> list[tuple[str, ...]]:
    """Return mode, owner, group, size and name of all that is in a packed root."""
    list_all = f"gzip -dc {root} | cpio -itv --quiet --numeric-uid-gid"
    lines = subprocess.run(["sh", "-c", list_all], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(words[0], *words[2:5], *words[8:]) for words in map(str.split, lines)]


def test_manifest_xml_is_read_and_written_as_xcat_does() -> None:
    found = manifestxml.parse(MANIFEST.encode(), "x.tgz")
    assert found.text() == MANIFEST
    assert found.image == NAME
    assert found.columns["linuximage"]["addkcmdline"] == 'a="b&c" <d>'
    assert found.attributes()[0]["usercomment"] == "of the lab"
    assert found.extra == [("/etc/ntp.conf", "/install/custom/ntp"), ("/etc/hosts", "/etc")]


def test_manifest_xml_of_xcat_2_7_has_no_tables() -> None:
    flat = MANIFEST
    for tag in ("linuximage", "osimage"):
        flat = flat.replace(f"  <{tag}>\n", "").replace(f"  </{tag}>\n", "")
    found = manifestxml.parse(flat.encode(), "x.tgz")
    assert found.columns["osimage"]["profile"] == "compute"
    assert found.columns["linuximage"]["pkgdir"] == "/install/rocky9.4/x86_64"


@pytest.mark.parametrize("rootimg", PACK)
def test_a_bundle_of_xcat_can_be_packed(rootimg: str, site: Site, tmp_path: Path) -> None:
    done = import_image(site, xcat_bundle(tmp_path, rootimg))
    image = site.osimages[NAME]
    assert image.get("pkglist") == str(site.installdir / "custom/netboot/rocky/compute.pkglist")
    assert image.get("exlist") == str(site.installdir / f"custom/netboot/rocky/{NAME}.exlist"), "no list of /opt/xcat"
    assert image.get("pkgdir") == str(site.installdir / "rocky9.4/x86_64")
    tree = site.installdir / "netboot/rocky9.4/x86_64/compute/rootimg"
    assert (tree / "etc/owned").read_text() == "x"
    state = (tree / "etc/owned").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (123, 456, 0o640)
    assert (tree / "bin").readlink() == Path("usr/bin")
    assert tree.with_name("kernel").read_text() == "a kernel"
    assert (site.installdir / "custom/ntp/ntp.conf").read_text() == "server x\n"
    assert any("/etc, which is no place for lists: extra/hosts" in remark for remark in done["remarks"])
    packed = packimage(site, NAME)
    version = Catalog(site).current(NAME)
    assert (packed["digest"], version.kernelver) == (version.digest, "5.14.0-427.el9.x86_64")
    assert leftovers(site.catalog) == []


def test_a_second_import_does_nothing(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path)
    import_image(site, bundle)
    before = everything(site)
    again = import_image(site, bundle)
    assert (again["there"], again["laid"]) == (True, [])
    assert everything(site) == before


def test_killed_anywhere(tmp_path: Path) -> None:
    """What is laid is whole, no tree is there in part, and the next import makes the rest."""
    bundle = xcat_bundle(tmp_path)
    with Site.open(tmp_path / "count") as counted:
        lines = lines_of("import_image", counted, bundle, bundle)
    random.seed(NAME)
    for at in random.sample(range(1, lines), 3):
        with Site.open(tmp_path / f"at{at}") as site:
            assert killed("import_image", site, bundle, bundle, at).returncode == -9
            built = RootimgDir(site.installdir / "netboot/rocky9.4/x86_64/compute")
            assert not built.record() or (built.tree / "etc/owned").read_text() == "x"
            import_image(site, bundle)
            assert built.record()
            assert not built.work.exists() and not built.old.exists()
            assert leftovers(site.catalog) == []


def test_another_profile_is_another_image(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path)
    import_image(site, bundle)
    done = import_image(site, bundle, profile="login")
    assert done["image"] == "rocky9.4-x86_64-netboot-login"
    image = site.osimages[done["image"]]
    assert image.get("profile") == "login"
    assert image.get("rootimgdir") == str(site.installdir / "netboot/rocky9.4/x86_64/login")
    assert Path(image.get("pkglist")).name == "login.pkglist"


def test_it_cannot_be_promoted_before_it_is_packed(site: Site, tmp_path: Path) -> None:
    done = import_image(site, xcat_bundle(tmp_path), name="own", promote=True)
    assert (done["image"], done["digest"]) == ("own", "")
    assert "nothing was promoted" in done["remarks"][-1]
    assert site.osimages["own"].get("rootimgdir").endswith("/own")


def test_postscripts_of_the_bundle_go_to_nodes(site: Site, tmp_path: Path) -> None:
    for node in ("n1", "n2", "n3"):
        site.set("node", node, groups="all")
    import_image(site, xcat_bundle(tmp_path), nodes="n1-n2")
    assert [site.nodes[node].get("postscripts") for node in ("n1", "n2", "n3")] == ["one,two", "one,two", ""]


def test_an_image_that_was_built_stays(site: Site, tmp_path: Path) -> None:
    tree = site.installdir / "netboot/rocky9.4/x86_64/compute/rootimg"
    tree.mkdir(parents=True)
    with pytest.raises(DefinitionError, match="was built already"):
        import_image(site, xcat_bundle(tmp_path))
    assert NAME not in site.osimages
    import_image(site, tmp_path / f"{NAME}.tgz", force=True)
    assert (tree / "etc/owned").is_file()


def test_what_is_not_for_us_is_said(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path, **{"<provmethod>netboot": "<provmethod>statelite"})
    done = import_image(site, bundle)
    assert "only netboot images are built here" in done["remarks"][-1]
    assert site.osimages[NAME].get("provmethod") == "statelite"
    assert not (site.installdir / "netboot/rocky9.4").exists()


WRONG = {
    "no profile": ({"<profile>compute</profile>": ""}, "'profile' field is not defined"),
    "no kernel": ({f"<kernel>{TREE}/kernel</kernel>": ""}, "'kernel' field is not defined"),
    "no XML": ({"</osimage>": ""}, "Please verify the XML"),
    "entities": ({'<?xml version="1.0"?>': '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "x">]>'}, "defines entities"),
    "a list that is missing": ({"compute.pkglist</pkglist>": "none.pkglist</pkglist>"}, "lacks none.pkglist"),
    "another root": ({"rootimg.gz": "rootimg.zip"}, "no packed root"),
    "an image name that is a path": ({f"<imagename>{NAME}": "<imagename>../../x"}, "invalid"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_bundles(wrong: str, site: Site, tmp_path: Path) -> None:
    changes, said = WRONG[wrong]
    before = everything(site)
    with pytest.raises(SbkernelError, match=said):
        import_image(site, xcat_bundle(tmp_path, **changes))
    assert everything(site) == before
    assert NAME not in site.osimages
    assert leftovers(site.catalog) == []


def test_a_directory_of_the_system_is_no_place_for_it(site: Site, tmp_path: Path) -> None:
    done = import_image(site, xcat_bundle(tmp_path, **{f"<rootimgdir>{TREE}": "<rootimgdir>/usr/lib"}))
    assert site.osimages[NAME].get("rootimgdir") == ""
    assert "rootimgdir=/usr/lib was a place of another site, and is left out" in done["remarks"][0]
    assert (site.installdir / "netboot/rocky9.4/x86_64/compute/rootimg/etc/owned").is_file()
    assert import_image(site, tmp_path / f"{NAME}.tgz")["laid"] == []


def test_a_root_that_leads_out_of_itself(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path)
    evil, image = tmp_path / "evil", tmp_path / "work" / NAME
    evil.mkdir()
    (evil / "way").symlink_to(tmp_path)
    pack = "(echo way; echo way/out) | cpio -H newc -o --quiet 2>/dev/null | gzip -c"
    (tmp_path / "out").write_text("out")
    with (image / "rootimg.gz").open("wb") as out:
        subprocess.run(["sh", "-c", pack], cwd=evil, stdout=out, check=True)
    (tmp_path / "out").unlink()
    subprocess.run(["tar", "czf", bundle, "."], cwd=tmp_path / "work", check=True)
    with pytest.raises(BuildError, match="lies below a link"):
        import_image(site, bundle)
    assert not (tmp_path / "out").exists()
    assert NAME not in site.osimages, "what was laid is taken back"
    assert not (site.installdir / "custom/netboot/rocky").exists() or not list(
        (site.installdir / "custom/netboot/rocky").iterdir()
    )


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", f"./{NAME}/../../evil"])
def test_members_that_lead_out(name: str, site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "x.tgz"
    with tarfile.open(bundle, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(BuildError, match="leads out of it"):
        import_image(site, bundle)


def test_a_truncated_tgz(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path)
    bundle.write_bytes(bundle.read_bytes()[:-30])
    with pytest.raises(SbkernelError):
        import_image(site, bundle)
    assert NAME not in site.osimages


def test_what_imgexport_writes_is_what_xcat_reads(site: Site, tmp_path: Path) -> None:
    import_image(site, xcat_bundle(tmp_path))
    packimage(site, NAME, method="cpio", compression="gzip")
    (tmp_path / "more.conf").write_text("more")
    site.set("node", "n1", postscripts="syslog", groups="all")
    done = export_image(
        site, NAME, tmp_path / "out.tgz", kind=XCAT, extra=[f"{tmp_path}/more.conf:/install/custom/more"], node="n1"
    )
    subprocess.run(["tar", "xzf", done["file"]], cwd=tmp_path, check=True)
    there = tmp_path / NAME
    found = manifestxml.parse((there / "manifest.xml").read_bytes(), "out.tgz")
    assert found.text() == (there / "manifest.xml").read_text()
    own = "/install/custom/netboot/rocky"
    assert found.columns["linuximage"] | found.columns["osimage"] == {
        "imagename": NAME, "imagetype": "linux", "osarch": "x86_64", "osvers": "rocky9.4", "profile": "compute",
        "provmethod": "netboot", "comments": "of the lab", "addkcmdline": 'a="b&c" <d>', "rootimgdir": TREE,
        "pkgdir": "/install/rocky9.4/x86_64", "pkglist": f"{own}/compute.pkglist", "exlist": f"{own}/{NAME}.exlist",
    }  # fmt: skip
    assert found.parts == {
        "kernel": f"{TREE}/kernel", "ramdisk": f"{TREE}/initrd-stateless.gz", "rootimg": f"{TREE}/rootimg.cpio.gz",
    }  # fmt: skip
    assert found.postscripts == {"postscripts": "syslog"}
    # What imgimport moves is named by the last part of each path.
    for path in (*found.parts.values(), f"{own}/compute.pkglist", f"{own}/{NAME}.exlist"):
        assert (there / Path(path).name).is_file()
    assert (there / "extra/more.conf").read_text() == "more"
    version = Catalog(site).current(NAME)
    assert (there / "rootimg.cpio.gz").read_bytes() == version.root.read_bytes()
    with Site.open(tmp_path / "other") as other:
        import_image(other, tmp_path / "out.tgz")
        packimage(other, NAME, method="cpio", compression="gzip")
        # cpio does not give directories their times back (cpio(1), -m).
        assert listed(Catalog(other).current(NAME).root) == listed(version.root)


def test_a_root_that_xcat_does_not_know(site: Site, tmp_path: Path) -> None:
    import_image(site, xcat_bundle(tmp_path))
    packimage(site, NAME, method="tar", compression="zstd")
    with pytest.raises(BuildError, match=r"xCAT knows no packed root such as root\.tar\.zst"):
        export_image(site, NAME, tmp_path / "out.tgz", kind=XCAT)


def test_the_verbs_as_xcat_has_them(site: Site, tmp_path: Path) -> None:
    def sb(*words: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-P", "-m", "sbkernel.cli", "--site", site.root, *words]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)

    done = sb("imgimport", xcat_bundle(tmp_path), "-f", "login", "-v")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == (
        "Unbundling image...",
        "Successfully imported the image rocky9.4-x86_64-netboot-login.",
    )
    name = "rocky9.4-x86_64-netboot-login"
    packimage(site, name)
    done = sb("imgexport", name, "-e", f"{tmp_path}/none:/x")
    assert done.returncode == 1
    assert "Can not find Extra file" in done.stderr
    (tmp_path / "to").mkdir()
    done = sb("imgexport", name, "to")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"Exporting {name} to {tmp_path / 'to'}..."
    assert (tmp_path / "to" / f"{name}.tgz").is_file()
    assert sb("imgexport", name, "-R", "root@x").returncode == 1


def test_a_list_that_is_as_large_as_an_image_is_not_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sbkernel.images.bundle.imgimport.LARGEST_TEXT", len(MANIFEST) + 100)
    lists = {"/install/custom/netboot/rocky/compute.pkglist": "/x/rootimg.sfs"}
    with pytest.raises(BuildError, match=r"rootimg\.sfs is too large for a list"):
        import_image(site, xcat_bundle(tmp_path, "rootimg.sfs", **lists))
    assert NAME not in site.osimages and leftovers(site.catalog) == []


def test_a_further_file_of_any_size_is_never_in_memory(site: Site, tmp_path: Path) -> None:
    image = xcat_bundle(tmp_path).parent / "work" / NAME
    large = random.Random(NAME).randbytes(1 << 20) * 48
    (image / "extra/ntp.conf").write_bytes(large)
    subprocess.run(["tar", "czf", tmp_path / "large.tgz", "."], cwd=tmp_path / "work", check=True)
    tracemalloc.start()
    try:
        import_image(site, tmp_path / "large.tgz")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (site.installdir / "custom/ntp/ntp.conf").read_bytes() == large
    assert most < len(large) / 2


def test_a_further_file_that_is_here_and_differs(site: Site, tmp_path: Path) -> None:
    bundle, mine = xcat_bundle(tmp_path), site.installdir / "custom/ntp/ntp.conf"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    before = everything(site)
    with pytest.raises(DefinitionError, match=r"are here already, and differ: .*ntp\.conf has another content"):
        import_image(site, bundle)
    assert everything(site) == before and NAME not in site.osimages
    import_image(site, bundle, keep=True)
    assert mine.read_text() == "mine"
    import_image(site, bundle, force=True)
    assert (mine.read_text(), mine.with_name("ntp.conf.ORIG").read_text()) == ("server x\n", "mine")


def test_two_further_files_for_one_place(site: Site, tmp_path: Path) -> None:
    bundle = xcat_bundle(tmp_path, **{
        "<dest>/etc</dest>": "<dest>/install/custom/ntp</dest>", "<src>/etc/hosts</src>": "<src>/etc/x/ntp.conf</src>",
    })  # fmt: skip
    import_image(site, bundle)
    assert (site.installdir / "custom/ntp/ntp.conf").read_text() == "server x\n", "one file, named twice"
