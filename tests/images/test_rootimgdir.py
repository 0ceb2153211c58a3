"""Where an image may be built: nowhere that the build of another image would destroy."""

from pathlib import Path

import pytest

from sbkernel.errors import DefinitionError
from sbkernel.images.genimage import genimage
from sbkernel.images.rootimgdir import build_place, checked
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "pkglist").write_text("bash\n")
    return Site.open(tmp_path / "site")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Where the images of these tests are built."""
    return tmp_path / "built" / "images"


def define(site: Site, image: str, rootimgdir: Path | str = "", **more: str) -> None:
    values = {"osvers": "debian12", "osarch": "x86_64", "profile": image, "provmethod": "netboot", **more}
    site.set(
        "osimage",
        image,
        imagetype="linux",
        rootimgdir=str(rootimgdir),
        pkglist=str(site.root.parent / "pkglist"),
        **values,
    )


def refused(site: Site, image: str) -> str:
    """Return why genimage refuses an image."""
    with pytest.raises(DefinitionError) as caught:
        genimage(site, image)
    assert f"chdef -t osimage {image} rootimgdir=" in str(caught.value.hint)
    return caught.value.message


def test_one_image_inside_another_is_refused_for_both(site: Site, top: Path) -> None:
    define(site, "outer", top)
    define(site, "inner", top / "rootimg" / "srv")
    outer, inner = top.resolve(), (top / "rootimg/srv").resolve()
    assert refused(site, "inner") == f"rootimgdir {inner} of image 'inner' lies inside {outer}, that of image 'outer'"
    assert refused(site, "outer") == f"rootimgdir {outer} of image 'outer' holds {inner}, that of image 'inner'"


def test_a_name_that_begins_alike_is_no_nesting(site: Site, top: Path) -> None:
    define(site, "one", top)
    define(site, "two", f"{top}2")
    assert checked(site, "one", site.osimages["one"].attributes) == top.resolve()


def test_links_lead_to_the_same_place(site: Site, top: Path) -> None:
    top.mkdir(parents=True)
    (top.parent / "link").symlink_to(top)
    define(site, "outer", top)
    define(site, "inner", top.parent / "link" / "below")
    assert "'inner' lies inside" in refused(site, "inner")
    site.set("osimage", "inner", rootimgdir=str(top.parent / "link"))
    assert refused(site, "inner") == f"images 'inner' and 'outer' share the rootimgdir {top.resolve()}"


def test_the_default_counts_for_both(site: Site) -> None:
    own = site.installdir / "netboot" / "debian12" / "x86_64" / "deep"
    define(site, "deep")
    define(site, "shallow", own.parent)
    assert "'deep' lies inside" in refused(site, "deep")
    assert "'shallow' holds" in refused(site, "shallow")
    define(site, "twin", profile="deep")
    site.delete("osimage", "shallow")
    assert refused(site, "twin") == f"images 'twin' and 'deep' share the rootimgdir {own.resolve()}"


def test_images_that_are_not_built_are_in_nobodys_way(site: Site, top: Path) -> None:
    define(site, "mine", top)
    define(site, "statelite", top, provmethod="statelite")
    define(site, "twin")
    define(site, "install", profile="twin", provmethod="install")
    for name in ("mine", "twin"):
        assert checked(site, name, site.osimages[name].attributes)


@pytest.mark.parametrize("value", ["relative/dir", r"|(.*)|/install/($1)|", "."])
def test_what_is_no_absolute_path_is_no_place(
    site: Site, top: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    top.mkdir(parents=True)
    monkeypatch.chdir(top)
    define(site, "mine", top)
    attributes = {**site.osimages["mine"].attributes, "rootimgdir": value}
    assert build_place(site, attributes) is None
    with pytest.raises(DefinitionError, match="is not an absolute path"):
        checked(site, "mine", attributes)


def test_another_images_loop_of_links_is_in_nobodys_way_and_its_own_is_refused(site: Site, top: Path) -> None:
    top.mkdir(parents=True)
    (top / "loop").symlink_to(top / "loop")
    define(site, "looped", top / "loop" / "x")
    define(site, "mine", top / "mine")
    assert checked(site, "mine", site.osimages["mine"].attributes)
    with pytest.raises(DefinitionError, match="leads back to itself"):
        checked(site, "looped", site.osimages["looped"].attributes)
