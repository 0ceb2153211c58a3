"""copycds: what each kind of disc becomes, what a second run does, and what mirrors become."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import discs
import pytest
from discs import anaconda, debian, make_iso, suse
from serving import serving

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.copycds import copycds, order_copycds, plan_copycds
from sbkernel.images.families import family_of
from sbkernel.images.families.debian import signature
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.media.directory import open_directory
from sbkernel.images.media.medium import Disc
from sbkernel.images.media.opening import identify
from sbkernel.jobs.report import NullReport
from sbkernel.lists import pkglist
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "it has blanks") as site:
        yield site


def rocky(tree: Path) -> Path:
    return anaconda(tree, "Rocky Linux", "9.4", split=True)


def resolved(site: Site, image: str, text: str) -> set[str]:
    """Return the packages that genimage would install for a pkglist."""
    attributes = site.osimages[image].attributes
    manager = family_of(attributes["osvers"]).open(site, Request(attributes, pkglist.parse(text)))
    return {one.package.name for one in manager.survey(NullReport()).candidates}


SHAPES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tool-baseos tool-appstream": (rocky, "rocky9.4"),
    "tool-all": (lambda tree: anaconda(tree, "Fedora", "41"), "fedora41"),
    "tool-basesystem": (suse, "sle15.6"),
    "own-tool": (debian, "debian12.5"),
    "ubuntu-tool": (lambda tree: debian(tree, discs.UBUNTU, package="ubuntu-tool", suite="noble"), "ubuntu24.04.1"),
}


@pytest.mark.parametrize("packages", SHAPES)
def test_a_disc_becomes_a_repository_and_images_that_resolve_from_it(site: Site, tmp_path: Path, packages: str) -> None:
    make, osvers = SHAPES[packages]
    image = make_iso(make(tmp_path / "tree"), tmp_path / "disc.iso")
    done = copycds(site, [image])
    place = site.installdir / osvers / "x86_64"
    compute, service = (f"{osvers}-x86_64-netboot-{profile}" for profile in ("compute", "service"))
    assert (done["made"], done["kept"], done["remarks"]) == ([compute, service], [], [])
    values = site.osimages[compute].attributes
    assert (values["pkgdir"], values["addkcmdline"], values["osvers"]) == (str(place), "quiet", osvers)
    assert Path(values["pkglist"]).is_file() and Path(values["exlist"]).is_file()
    assert resolved(site, compute, packages.replace(" ", "\n")) >= set(packages.split())

    site.set("osimage", compute, addkcmdline="", pkgdir="/elsewhere")
    again = copycds(site, [image])
    assert (again["made"], again["kept"]) == ([], [compute, service])
    assert (again["copied"][0]["written"], again["copied"][0]["written_bytes"]) == (0, 0)
    assert site.osimages[compute].get("pkgdir") == "/elsewhere" and not site.osimages[compute].get("addkcmdline")
    assert [path.name for path in place.parent.iterdir() if path.name != ".x86_64.lock"] == ["x86_64"]


def test_a_mounted_disc_is_copied_like_its_image(site: Site, tmp_path: Path) -> None:
    tree = rocky(tmp_path / "tree")
    made = copycds(site, [tree])["copied"][0]
    assert made["place"] == str(site.installdir / "rocky9.4/x86_64")
    image = make_iso(tree, tmp_path / "disc.iso")
    assert copycds(site, [image])["copied"][0]["written"] == 0


@pytest.mark.parametrize(
    ("text", "osvers", "number"),
    [
        ("Red Hat Enterprise Linux 9.4", "rhels9.4", 1), ("Rocky Linux 8.10", "rocky8.10", 1),
        ("AlmaLinux 9.3", "alma9.3", 1), ("CentOS Stream 9", "centos-stream9", 1), ("CentOS Linux 8.5", "centos8.5", 1),
        ("Oracle Linux Server 9.4", "ol9.4", 1), ("Scientific Linux 7.9", "SL7.9", 1), ("Fedora 41", "fedora41", 1),
        ("openSUSE Leap 15.6", "leap15.6", 1),
    ],
)  # fmt: skip
def test_names_of_discs_with_discinfo_or_treeinfo(tmp_path: Path, text: str, osvers: str, number: int) -> None:
    name, _, version = text.rpartition(" ")
    by_treeinfo = discs.write(
        tmp_path / "a", {".treeinfo": discs.TREEINFO.format(name=name, version=version, arch="aarch64")}
    )
    by_discinfo = discs.write(tmp_path / "b", {".discinfo": f"1.2\n{text}\naarch64\n2,3\n"})
    assert [identify(tree).disc for tree in (by_treeinfo, by_discinfo)] == [
        Disc(osvers, "aarch64", number), Disc(osvers, "aarch64", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text", "osvers", "arch", "number"),
    [
        (".disk/info", discs.UBUNTU, "ubuntu24.04.1", "x86_64", 1),
        (".disk/info", 'Ubuntu 22.04 LTS "Jammy Jellyfish" - Release arm64 (20220420)', "ubuntu22.04", "aarch64", 1),
        (".disk/info", discs.DEBIAN.format(version="12.5.0", number=1), "debian12.5", "x86_64", 1),
        (".disk/info", discs.DEBIAN.format(version="13.0.0", number=21), "debian13.0", "x86_64", 21),
        (".disk/info", 'Debian GNU/Linux 11.9.0 "Bullseye" - Official arm64 NETINST 20240210-11:28', "debian11.9",
         "aarch64", 1),
        ("dists/x/Release", "Origin: Debian\nVersion: 12.7\nArchitectures: all amd64\n", "debian12.7", "x86_64", 1),
        ("media.1/media", "SUSE - openSUSE-Leap-15.6-DVD-x86_64-Build710.3-Media\n", "leap15.6", "x86_64", 1),
        ("media.2/media", "SUSE - SLE-15-SP5-Full-ppc64le-Build83.1-Media2\n", "sle15.5", "ppc64le", 2),
    ],
)  # fmt: skip
def test_names_of_other_discs(tmp_path: Path, file: str, text: str, osvers: str, arch: str, number: int) -> None:
    tree = discs.write(tmp_path / "tree", {file: text})
    assert identify(tree).disc == Disc(osvers, arch, number)


def test_discs_of_one_distribution_become_one_tree(site: Site, tmp_path: Path) -> None:
    first = make_iso(debian(tmp_path / "1"), tmp_path / "1.iso")
    second = make_iso(debian(tmp_path / "2", package="second-tool", number=2), tmp_path / "2.iso")
    done = copycds(site, [second, first])
    tree = site.installdir / "debian12.5/x86_64"
    remarks = {one["place"]: one["remarks"] for one in done["copied"]}
    assert remarks.keys() == {str(tree), str(tree / "disc2")}
    assert ["no base system" in " ".join(said) for said in (remarks[str(tree)], remarks[str(tree / "disc2")])] == [
        True,
        False,
    ]
    attributes = site.osimages[done["made"][0]].attributes
    manager = family_of("debian12.5").open(site, Request(attributes, pkglist.parse("own-tool\nsecond-tool")))
    assert isinstance(manager, AptManager)
    assert not manager.check_sources(NullReport())
    packages = manager.apt.solve(manager.asked)
    manager.fetch(Resolution(packages), NullReport())
    assert {one.name for one in packages if manager.downloads.path(one).is_file()} == {"own-tool", "second-tool"}
    assert copycds(site, [first, second])["made"] == []


def test_a_later_disc_goes_to_a_tree_that_is_there(site: Site, tmp_path: Path) -> None:
    copycds(site, [debian(tmp_path / "1")])
    copycds(site, [debian(tmp_path / "2", package="second-tool", number=2)])
    image = "debian12.5-x86_64-netboot-compute"
    assert resolved(site, image, "own-tool\nsecond-tool") >= {"own-tool", "second-tool"}


def test_two_first_discs_do_not_overwrite_each_other(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="are both disc 1 of"):
        plan_copycds(site, [debian(tmp_path / "1"), debian(tmp_path / "2", package="other")])


def test_options(site: Site, tmp_path: Path) -> None:
    image = make_iso(rocky(tmp_path / "tree"), tmp_path / "disc.iso")
    done = copycds(site, [image], path=tmp_path / "elsewhere", name="rocky9.4-test", define_images=False)
    assert (tmp_path / "elsewhere/BaseOS/repodata/repomd.xml").is_file() and done["made"] == []
    assert copycds(site, [image], path=tmp_path / "elsewhere", name="rocky9.4-test")["made"] == [
        "rocky9.4-test-x86_64-netboot-compute", "rocky9.4-test-x86_64-netboot-service",
    ]  # fmt: skip
    assert site.osimages["rocky9.4-test-x86_64-netboot-compute"].get("pkgdir") == str(tmp_path / "elsewhere")
    with pytest.raises(BuildError, match="holds this disc already"):
        plan_copycds(site, [image], path=tmp_path / "elsewhere", overwrite=False)
    plan_copycds(site, [image], overwrite=False)


def test_lists_of_the_site_come_before_shipped_ones(site: Site, tmp_path: Path) -> None:
    own = site.installdir / "custom/netboot/rocky/compute.rocky9.pkglist"
    discs.write(own.parent, {own.name: "tool-baseos\n"})
    copycds(site, [rocky(tmp_path / "tree")])
    assert site.osimages["rocky9.4-x86_64-netboot-compute"].get("pkglist") == str(own)


def test_a_disc_that_says_nothing_needs_name_and_architecture(site: Site, tmp_path: Path) -> None:
    tree = rocky(tmp_path / "tree")
    (tree / ".treeinfo").unlink()
    (tree / ".discinfo").unlink()
    with pytest.raises(BuildError) as caught:
        copycds(site, [tree])
    assert caught.value.message == ("copycds could not identify the ISO supplied, you may wish to try -n <osver>")
    assert "looked for .disk/info, dists/*/Release, .treeinfo, .discinfo, media.1/media;" in str(caught.value.hint)
    assert "has AppStream, BaseOS, images" in str(caught.value.hint)
    with pytest.raises(DefinitionError, match="says its architecture"):
        copycds(site, [tree], name="rocky9.4")
    with pytest.raises(BuildError, match="is for x86_64, not for aarch64"):
        copycds(site, [tree], name="rocky9.4", arch="aarch64")
    assert copycds(site, [tree], name="rocky9.4", arch="x86_64")["made"]
    assert copycds(site, [tree], name="rocky9.4", arch="x86_64")["copied"][0]["written"] == 0


def test_what_cannot_be_built_is_copied_and_not_defined(site: Site, tmp_path: Path) -> None:
    old = copycds(site, [anaconda(tmp_path / "old", "Scientific Linux", "7.9")])
    assert (old["made"], old["remarks"]) == ([], ["no osimage was defined: not supported: SL7.9"])
    foreign = copycds(site, [anaconda(tmp_path / "foreign", "Rocky Linux", "9.4", "s390x")])
    assert foreign["made"] == []
    assert foreign["remarks"][0] == (
        "rocky9.4-s390x-netboot-compute was not defined: there is no compute pkglist for rocky9.4 s390x"
    )
    assert (site.installdir / "rocky9.4/s390x/repodata/repomd.xml").is_file()


def test_a_mirror_does_instead_of_a_disc(site: Site, tmp_path: Path) -> None:
    rocky(tmp_path / "rocky")
    with serving(tmp_path) as port:
        url = f"http://127.0.0.1:{port}/rocky"
        with pytest.raises(BuildError, match="no key says whose packages"):
            copycds(site, [url], name="rocky9.4", arch="x86_64")
        done = copycds(site, [f"{url} gpgcheck=0"], name="rocky9.4", arch="x86_64")
        compute = "rocky9.4-x86_64-netboot-compute"
        assert done["copied"] == [] and done["made"][0] == compute
        whole = ",".join(f"{url}/{part} gpgcheck=0" for part in ("BaseOS", "AppStream"))
        assert site.osimages[compute].get("pkgdir") == whole, "a repository is looked for below the address"
        assert resolved(site, compute, "tool-baseos\ntool-appstream") == {"tool-baseos", "tool-appstream"}
        with pytest.raises(BuildError, match="cannot be reached"):
            copycds(site, [f"{url}/none gpgcheck=0"], name="alma9.4", arch="x86_64")
    assert not [name for name in site.osimages if name.startswith("alma")]


def test_a_mirror_of_debian(site: Site, tmp_path: Path) -> None:
    debian(tmp_path / "debian")
    with serving(tmp_path) as port:
        url = f"http://127.0.0.1:{port}/debian"
        with pytest.raises(BuildError, match="cannot be"):
            copycds(site, [url], name="debian12.5")
        done = copycds(site, [f"[trusted=yes] {url} bookworm main"], name="debian12.5")
    assert site.osimages[done["made"][0]].get("pkgdir") == f"[trusted=yes] {url} bookworm main"


def test_the_sources_of_this_host(site: Site) -> None:
    done = copycds(site, ["host"], name="debian12.7")
    assert done["made"][0] == "debian12.7-x86_64-netboot-compute"
    assert "pkgdir" not in site.osimages[done["made"][0]].attributes
    with pytest.raises(DefinitionError, match="has no package sources for"):
        copycds(site, ["host"], name="rocky9.4")
    with pytest.raises(DefinitionError, match="not mixed"):
        copycds(site, ["host", "/disc.iso"], name="debian12")
    with pytest.raises(DefinitionError, match="must be said"):
        copycds(site, ["host"])


def test_no_order_holds_a_password(site: Site) -> None:
    with pytest.raises(DefinitionError, match="may have a password"):
        order_copycds(site, ["https://me:secret@mirror.invalid/x gpgcheck=0"], name="rocky9.4")
    assert not list(site.jobs.iterdir())


def sb(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", "it has blanks", "copycds", *words]
    return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)


def test_the_command_line_prints_what_xcat_prints_and_what_it_made(site: Site, tmp_path: Path) -> None:
    make_iso(rocky(tmp_path / "tree"), tmp_path / "disc.iso")
    shutil.rmtree(tmp_path / "tree")
    assert sb(tmp_path, "-i", "disc.iso").stdout == ("OS Image:disc.iso\nDISTNAME:rocky9.4\nARCH:x86_64\nDISCNO:1\n")
    place = site.installdir / "rocky9.4/x86_64"
    dry = sb(tmp_path, "--dry-run", "disc.iso")
    assert dry.stdout.startswith(f"Copying media to {place}\n") and not place.exists()
    lines = sb(tmp_path, "disc.iso").stdout.splitlines()
    assert lines[:2] == [f"Copying media to {place}", "Media copy operation successful"]
    assert lines[2].startswith(f"{place}: ") and "files copied" in lines[2]
    assert lines[3].startswith("  there are no keys on the disc")
    assert lines[4:] == [
        "defined osimage rocky9.4-x86_64-netboot-compute", "defined osimage rocky9.4-x86_64-netboot-service",
        "to build it: sb genimage rocky9.4-x86_64-netboot-compute",
    ]  # fmt: skip
    refused = sb(tmp_path, "-w", "disc.iso")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"Error: {place} holds this disc already\n")
    again = sb(tmp_path, "disc.iso").stdout
    assert "0 files copied" in again and "osimage rocky9.4-x86_64-netboot-compute is there already" in again


def test_a_copy_from_which_no_osimage_builds_is_said(site: Site, tmp_path: Path) -> None:
    disc = make_iso(anaconda(tmp_path / "tree", "Fedora", "41"), tmp_path / "disc.iso")
    first = copycds(site, [disc])
    assert copycds(site, [disc])["remarks"] == first["remarks"]
    name, there = "fedora41-x86_64-netboot-compute", site.installdir / "fedora41/x86_64"
    other = tmp_path / "a copy"
    again = copycds(site, [disc], path=tmp_path / "tree/../a copy")
    assert again["copied"][0]["place"] == str(other)
    change = f"sb chdef -t osimage {name} 'pkgdir={other}'"
    assert f"{name} builds from {there}; to change that: {change}" in again["remarks"]
    site.set("osimage", name, pkgdir=f"{other},http://mirror.invalid/x")
    assert not any(one.startswith(name) for one in copycds(site, [disc], path=other)["remarks"])


def signed(tree: Path, home: Path) -> Path:
    """Sign the Release of a disc with a new key; return the keyring that knows it."""
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", ""]
    release = tree / "dists/bookworm/Release"
    for words in (
        ["--quick-gen-key", "Disc Signer <d@d.invalid>", "rsa2048", "sign", "never"],
        ["--armor", "--detach-sign", "--output", f"{release}.gpg", release],
        ["--export", "--output", home / "keyring.gpg"],
    ):
        subprocess.run([*gpg, *words], check=True, capture_output=True)
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    return home / "keyring.gpg"


def test_the_signature_of_a_disc_is_checked(site: Site, tmp_path: Path) -> None:
    tree = debian(tmp_path / "tree")
    keyring = signed(tree, tmp_path / "gnupg")
    disc = open_directory(tree)
    assert signature.remarks(disc, [keyring]) == ["its Release is signed by Disc Signer <d@d.invalid>"]
    assert signature.remarks(disc, [])[0].startswith("its Release is signed by the key ")
    done = copycds(site, [tree])
    assert "which this host does not have" in done["copied"][0]["remarks"][0]
    assert resolved(site, done["made"][0], "own-tool") >= {"own-tool"}
    with (tree / "dists/bookworm/Release").open("a") as file:
        file.write("More: x\n")
    with pytest.raises(BuildError, match="the signature of dists/bookworm/Release is wrong"):
        signature.remarks(open_directory(tree), [keyring])
