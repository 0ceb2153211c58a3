"""rmimage removes what was built, never what was published, and nothing of anybody else."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ordinaryuser import as_user, home
from smallimage import publish
from test_packimage import define, plant

from sbkernel.errors import DefinitionError, LockedError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.images.rmimage import plan_rmimage, rmimage
from sbkernel.jobs.lock import lock
from sbkernel.site import Site

__all__ = ["home"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, "img", tmp_path / "built")
    plant(tmp_path / "built")
    return site


def sb(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from sbkernel.cli.main import main; main(sys.argv[1:])"
    argv = [sys.executable, "-c", code, "--site", str(site.root), "rmimage", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=ROOT)


def test_what_was_built_goes_and_what_was_published_stays(site: Site, tmp_path: Path) -> None:
    built = tmp_path / "built"
    digest = packimage(site, "img")["digest"]
    for name in ("rootimg.cpio.gz", "rootimg.sfs", "initrd-statelite.gz"):
        (built / name).touch()
    (built / ".new").mkdir()
    (built / "notes").write_text("mine")
    site.set("node", "n1", groups="all", provmethod="img@" + digest)
    shown = sb(site, "--dry-run", "--xcatdef", "img").stdout
    assert f"remove  {built}/rootimg\n" in shown and f"keep    {built}/notes: not made by genimage" in shown
    assert (
        "1 published version of img: nodes may boot them; sb gc" in shown and "remove  the definition of img" in shown
    )
    assert "keep    provmethod=img of n1: set another image by sb nodeset" in shown
    assert (built / "rootimg/usr/bin/tool").exists()
    done = sb(site, "img")
    assert done.returncode == 0
    assert f"Removing file {built}/rootimg\n" in done.stdout
    assert done.stdout.endswith("Image files have been removed successfully from this management node.\n")
    assert [path.name for path in built.iterdir()] == ["notes"]
    assert Catalog(site).get(digest).damaged() == [] and Catalog(site).current("img").digest == digest
    assert sb(site, "img").stdout == f"There are no image files in {built}.\n", "a second run does nothing"


def test_the_definition_goes_in_one_change_that_can_be_undone(site: Site, tmp_path: Path) -> None:
    before = dict(site.osimages["img"].attributes)
    done = sb(site, "--xcatdef", "img")
    assert done.stdout.endswith("osimage definition for img is removed successfully.\n")
    assert not (tmp_path / "built").exists(), "an empty directory goes, too"
    assert "img" not in site.osimages
    site.undo()
    assert dict(site.osimages["img"].attributes) == before
    assert "Cannot find image 'nosuch'" in sb(site, "nosuch").stderr


def test_the_directory_of_another_image_and_dangerous_ones_are_refused(site: Site, tmp_path: Path) -> None:
    define(site, "twin", tmp_path / "built")
    for name in ("img", "twin"):
        with pytest.raises(DefinitionError, match="share the rootimgdir"):
            rmimage(site, name)
    site.delete("osimage", "twin")
    for place in ("/usr/lib", str(site.root), "/opt"):
        define(site, "odd", Path(place))
        with pytest.raises(DefinitionError, match="is no place for an image"):
            rmimage(site, "odd")
    site.set("osimage", "odd", rootimgdir=str(tmp_path / "x"), provmethod="install")
    with pytest.raises(DefinitionError, match="its provmethod is 'install'"):
        rmimage(site, "odd")
    with pytest.raises(NotFoundError):
        plan_rmimage(site, "nosuch")
    assert (tmp_path / "built/rootimg/usr/bin/tool").exists()


def test_a_link_is_removed_and_not_what_it_leads_to(site: Site, tmp_path: Path) -> None:
    built, real = tmp_path / "built", tmp_path / "elsewhere"
    (built / "rootimg").rename(real)
    (built / "rootimg").symlink_to(real)
    rmimage(site, "img")
    assert not built.exists() and (real / "usr/bin/tool").exists()


def test_nothing_is_removed_while_somebody_works_there(site: Site, tmp_path: Path) -> None:
    with lock(tmp_path / "built", "genimage"), pytest.raises(LockedError, match="genimage"):
        rmimage(site, "img")
    code = (
        "import sys; from sbkernel.site import Site; from sbkernel.images.rmimage import rmimage\n"
        "rmimage(Site.open(sys.argv[1]), 'img')"
    )
    tree = tmp_path / "built/rootimg"
    mounted = ["unshare", "--mount", "sh", "-c", f'mount --bind /dev "{tree}/tmp" && exec "$@"', "sh"]
    done = subprocess.run([*mounted, sys.executable, "-c", code, site.root], capture_output=True, text=True, cwd=ROOT)
    assert f"BuildError: {tree}/tmp is mounted: nothing was removed" in done.stderr
    assert (tree / "usr/bin/tool").exists() and (tmp_path / "built/plan.json").exists() and Path("/dev/null").exists()


def test_a_removal_that_was_killed_leaves_no_image_that_looks_whole(site: Site, tmp_path: Path) -> None:
    code = (
        "import os, sys; from sbkernel.site import Site; from sbkernel.images import rmimage\n"
        "removed = rmimage.remove_tree\n"
        "def once(path):\n"
        "    removed(path)\n"
        "    os.kill(os.getpid(), 9)\n"
        "rmimage.remove_tree = once\n"
        "rmimage.rmimage(Site.open(sys.argv[1]), 'img')"
    )
    subprocess.run([sys.executable, "-c", code, str(site.root)], cwd=ROOT)
    assert (tmp_path / "built/rootimg").exists() and not (tmp_path / "built/plan.json").exists()
    rmimage(site, "img")
    assert not (tmp_path / "built").exists()


def test_versions_of_other_images_are_not_counted(site: Site) -> None:
    publish(site, b"x", "other")
    assert plan_rmimage(site, "img").versions == ()


def test_a_tree_of_subordinate_ids_is_removed_by_its_user(home: Path) -> None:
    code = textwrap.dedent("""
        import json, pathlib
        from sbkernel.images.rmimage import rmimage
        from sbkernel.jobs.run import run
        from sbkernel.site import Site
        home = pathlib.Path.home()
        tree = home / "built/rootimg"
        (tree / "var").mkdir(parents=True)
        (tree / "var/file").touch()
        run(["sh", "-c", 'chown -R 33:33 "$1/var" && chmod 700 "$1/var"', "sh", str(tree)], isolated=True)
        owner = (tree / "var").stat().st_uid
        with Site.open(home / "site") as site:
            site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
                     imagetype="linux", rootimgdir=str(home / "built"), pkglist="/dev/null")
            rmimage(site, "img")
        print(json.dumps([owner, (home / "built").exists()]))
    """)
    owner, there = json.loads(as_user(home, "-c", code).splitlines()[-1])
    assert owner not in (0, 33, os.getuid()) and not there
