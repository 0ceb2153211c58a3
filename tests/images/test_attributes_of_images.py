"""genimage and every attribute of an osimage: a refused one stops it, an honoured one changes what it would do."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sbkernel.definitions.attributes import attributes_of
from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.genimage import plan_genimage
from sbkernel.images.layers.checkout import Checkout
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.making import Making
from sbkernel.images.packimage import packimage
from sbkernel.images.plan import Plan
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import ImageSpec, read_spec
from sbkernel.images.steps import Asked, genimage_steps
from sbkernel.images.tree.configure import configuration
from sbkernel.images.tree.fstab import choose_fstab
from sbkernel.site import Site

USES = {name: one.netboot for name, one in attributes_of("osimage").items() if one.netboot}
REFUSED = [name for name, use in USES.items() if (use.kind, use.verb) == ("refused", "genimage")]
HONOURED = [name for name, use in USES.items() if (use.kind, use.verb) == ("honoured", "genimage")]
NOTES = [name for name, use in USES.items() if use.kind == "note"]
# Attributes that are asked of a distribution which has them.
ELSEWHERE = {"otherpkglist", "otherpkgdir", "krpmver"}
# Attributes that say on which machine an image is built, which makes no other image.
WHERE = {"buildhost", "buildshared"}


@pytest.fixture
def image(tmp_path: Path) -> dict[str, str]:
    """Return a minimal osimage; nothing of its packages is looked at."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.pkglist").write_text(f"tool-{name}\nlinux-image-amd64\n")
        (tmp_path / name).mkdir()
        (tmp_path / name / "Packages").touch()
        (tmp_path / name / "x.deb").touch()
    script = tmp_path / "post"
    script.write_text("#!/bin/sh\n# sb-inputs: none\n")
    script.chmod(0o755)
    return {
        "imagetype": "linux", "provmethod": "netboot", "osvers": "debian12", "osarch": "x86_64", "profile": "it",
        "pkglist": f"{tmp_path}/a.pkglist", "pkgdir": f"{tmp_path}/a", "postinstall": f"{script} x",
    }  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def observed(site: Site, attributes: Mapping[str, str]) -> list[Any]:
    """Return all that genimage makes of an osimage before it asks a package source."""
    spec = read_spec(site, "it", attributes)
    return [plan(site, spec).digests, spec.rootimgdir, spec.manager.about, getattr(spec.manager, "sources", None)]


def plan(site: Site, spec: ImageSpec) -> Plan:
    fstab, origin = choose_fstab(site, spec)
    wanted = configuration(spec.manager, fstab, timezone=spec.timezone, interfaces=spec.interfaces)
    making = Making(Layers(site.cache / "layers"), spec.manager, Resolution(()))
    checkout = Checkout(making.layers, RootimgDir(spec.rootimgdir), lambda: None)
    return Plan("it", genimage_steps(Asked(spec, making, checkout, wanted, origin)))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_stops_genimage(site: Site, image: dict[str, str], name: str) -> None:
    attribute, use = attributes_of("osimage")[name], USES[name]
    value = next((one for one in attribute.values if one not in use.accepts), "/some/thing")
    with pytest.raises(DefinitionError) as caught:
        read_spec(site, "it", {**image, name: value})
    assert f"{name}={value} of osimage it is refused: {use.text}" in str(caught.value) or name == "provmethod"
    assert name in str(caught.value)


def test_a_refused_attribute_stops_the_verb_before_anything_is_made(site: Site, image: dict[str, str]) -> None:
    site.set("osimage", "it", **image, partitionfile="s:/some/script")
    before = sorted(site.root.rglob("*"))
    with pytest.raises(DefinitionError, match="partitionfile=s:/some/script is refused: a script makes partitions"):
        plan_genimage(site, "it")
    assert sorted(site.root.rglob("*")) == before


def test_packimage_refuses_what_genimage_refuses(site: Site, image: dict[str, str], tmp_path: Path) -> None:
    site.set("osimage", "it", **image, rootimgdir=str(tmp_path / "built"))
    for name in ("kernel", "initrd-stateless.gz", "rootimg/etc/hosts"):
        (tmp_path / "built" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "built" / name).touch()
    site.set("osimage", "it", template="/some/template")
    with pytest.raises(DefinitionError, match="template=/some/template of osimage it is refused: stateless nodes"):
        packimage(site, "it")


@pytest.mark.parametrize("name", sorted(set(HONOURED) - ELSEWHERE - WHERE))
def test_what_is_honoured_changes_what_genimage_does(
    site: Site, image: dict[str, str], tmp_path: Path, name: str
) -> None:
    changes = {
        "profile": "other", "osvers": "debian13", "osarch": "aarch64", "environvar": "A=1,B=x y",
        "pkglist": f"{tmp_path}/b.pkglist", "pkgdir": f"{tmp_path}/b", "postinstall": f"{tmp_path}/post y",
        "rootimgdir": f"{tmp_path}/place", "kerneldir": f"{tmp_path}/b", "kernelver": "6.1.0-9-amd64",
        "netdrivers": "e1000.ko", "nodebootif": "ib0", "otherifce": "ib1,hsi0",
    }  # fmt: skip
    assert observed(site, image) != observed(site, {**image, name: changes[name]})


@pytest.mark.parametrize("name", sorted(WHERE))
def test_where_an_image_is_built_makes_no_other(site: Site, image: dict[str, str], name: str) -> None:
    assert observed(site, image) == observed(site, {**image, name: "build1"})


@pytest.mark.parametrize("name", NOTES)
def test_a_note_changes_nothing(site: Site, image: dict[str, str], name: str) -> None:
    assert observed(site, image) == observed(site, {**image, name: "x"})


def test_an_rpm_image_takes_the_kernel_of_krpmver_from_kerneldir(site: Site, image: dict[str, str]) -> None:
    top = Path(image["pkgdir"])
    (top / "repodata").mkdir()
    (top / "repodata/repomd.xml").touch()
    image["osvers"] = "sles15.6"
    Path(image["pkglist"]).write_text("kernel-default\n")
    kernels = top.with_name("kernels")
    (kernels / "x86_64/repodata").mkdir(parents=True)
    with pytest.raises(DefinitionError, match="kernels holds no packages"):
        read_spec(site, "it", {**image, "kerneldir": str(kernels)})
    (kernels / "x86_64/repodata/repomd.xml").touch()
    (kernels / "x86_64/kernel-default.rpm").touch()
    version = {"kernelver": "6.4.0-1-default", "krpmver": "6.4.0-1.2", "kerneldir": str(kernels)}
    manager: Any = read_spec(site, "it", {**image, **version}).manager
    assert dict(manager.question.specs) == {"kernel-default": "kernel-default-6.4.0-1.2"}
    assert [one.url.rpartition("/")[2] for one in manager.repositories.all] == ["a", "x86_64"]
    with pytest.raises(DefinitionError, match="krpmver is not for Debian"):
        read_spec(site, "it", {**image, "osvers": "debian12", "krpmver": "6.4.0-1.2"})
    manager = read_spec(site, "it", {**image, "kernelver": "6.4.0-1-default"}).manager
    assert dict(manager.question.specs) == {"kernel-default": "kernel-default-6.4.0-1-default"}


def test_an_rpm_image_takes_packages_of_otherpkglist_from_otherpkgdir(
    site: Site, image: dict[str, str], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "repodata").mkdir()
        (tmp_path / name / "repodata/repomd.xml").touch()
    image["osvers"] = "rocky9.4"
    plain: Any = read_spec(site, "it", image).manager
    other: Any = read_spec(site, "it", {**image, "otherpkglist": f"{tmp_path}/b.pkglist"}).manager
    placed: Any = read_spec(
        site, "it", {**image, "otherpkglist": f"{tmp_path}/b.pkglist", "otherpkgdir": f"{tmp_path}/b"}
    ).manager
    assert [plain.asked, other.asked] == [("tool-a", "linux-image-amd64"), ("tool-a", "linux-image-amd64", "tool-b")]
    assert [len(one.repositories.all) for one in (plain, other, placed)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kerneldir": "/nonexistent"}, "kerneldir=/nonexistent holds no packages"),
        ({"environvar": "A=1,2"}, "environvar: '2' is no variable"),
        ({"environvar": "1A=x"}, "environvar: '1A' is no variable"),
    ],
)
def test_what_cannot_be_honoured_is_said(
    site: Site, image: dict[str, str], changes: dict[str, str], message: str
) -> None:
    with pytest.raises((DefinitionError, BuildError)) as caught:
        read_spec(site, "it", {**image, **changes})
    assert message in caught.value.message
    assert caught.value.hint


def test_the_time_zone_of_the_site_is_that_of_the_image(site: Site, image: dict[str, str]) -> None:
    def configured(zone: str) -> object:
        site.set("site", "clustersite", timezone=zone)
        return plan(site, read_spec(site, "it", image))["configure"].inputs

    assert len({str(configured(zone)) for zone in ("", "Europe/Vienna", "Etc/UTC")}) == 3
    assert "timezone" not in str(configured(""))
    for zone in ("Europe/Vienn", "../../etc/shadow", "/etc/shadow", "Europe/Vienna;reboot", "Europe"):
        with pytest.raises(DefinitionError, match="of the site is no time zone"):
            configured(zone)
    with pytest.raises(DefinitionError) as caught:
        configured("Europe/Viena")
    assert "Europe/Vienna" in str(caught.value.hint)


def test_the_site_says_where_images_are_built(site: Site, image: dict[str, str], tmp_path: Path) -> None:
    site.set("site", "clustersite", installdir=str(tmp_path / "elsewhere"))
    assert read_spec(site, "it", image).rootimgdir == tmp_path / "elsewhere/netboot/debian12/x86_64/it"


def test_drivers_are_named_with_and_without_their_ending(site: Site, image: dict[str, str]) -> None:
    spec = read_spec(site, "it", {**image, "netdrivers": "e1000.ko, tg3 igb"})
    assert spec.drivers == ("e1000.ko", "tg3", "igb")
