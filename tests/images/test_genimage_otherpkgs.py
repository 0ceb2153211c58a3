"""An image with packages of the site: its plan shows passes and removals, and changes when a package does."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import KERNELS, index, make_deb, make_repository, pkgdir
from serving import serving
from smallbuild import define

from sbkernel.errors import ListFileError
from sbkernel.images.genimage import plan_genimage
from sbkernel.images.plan import Plan
from sbkernel.images.resolve import resolve
from sbkernel.site import Site

OTHER = "#INCLUDE:more.otherpkgs.pkglist#\n--own-helper\n#NEW_INSTALL_LIST#\n#ENV:SITE=here#\nsite/own-second\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one image, which has packages of the site in a directory that nobody has indexed."""
    top = tmp_path_factory.mktemp("lists")
    for name in ("debs", "others/site"):
        (top / name).mkdir(parents=True)
    make_repository(top / "debs")
    make_deb(top / "others/site", "own-helper")
    make_deb(top / "others/site", "own-second", Depends="own-tool")
    (top / "small.pkglist").write_text(f"own-later\nlinux-image-{KERNELS[0]}\n")
    (top / "more.otherpkgs.pkglist").write_text("site/own-helper\n")
    (top / "small.otherpkgs.pkglist").write_text(OTHER)
    with Site.open(tmp_path_factory.mktemp("site") / "a site") as site:
        more = {"otherpkglist": str(top / "small.otherpkgs.pkglist"), "otherpkgdir": str(top / "others")}
        define(site, "small", top / "small.pkglist", pkgdir(top / "debs"), **more)
        yield site


def others(site: Site) -> Path:
    return Path(site.osimages["small"].get("otherpkgdir"))


def planned(site: Site) -> Plan:
    return plan_genimage(site, "small").plan


def test_the_plan_shows_passes_and_what_goes_again(site: Site) -> None:
    plan = planned(site)
    (summary,) = (step.summary for step in plan.steps if step.name == "packages")
    first = f"own-later linux-image-{KERNELS[0]}"
    assert summary.endswith(f", 3 passes: {first}; own-helper; own-second, then without own-helper")
    assert planned(site).digest == plan.digest
    make_deb(others(site) / "site", "own-second", {"usr/share/own-second": "other content"}, Depends="own-tool")
    changed = planned(site)
    assert changed.digests["packages"] != plan.digests["packages"]


def test_what_would_come_is_without_what_goes_again(site: Site) -> None:
    resolved = resolve(site, "small")
    names = {one.package.name for one in resolved.packages}
    assert {"own-second", "own-tool"} <= names
    assert "own-helper" not in names
    assert resolved.why("own-second") == ("own-second",)


def test_an_unknown_package_of_the_site_is_told_with_its_place(site: Site) -> None:
    listed = Path(site.osimages["small"].get("otherpkglist"))
    listed.write_text(f"# ours\nsite/own-secnd\n{OTHER}")
    try:
        with pytest.raises(ListFileError, match=rf"{listed}:2: no source has a package own-secnd") as caught:
            planned(site)
        assert "own-second" in str(caught.value.hint)
        (unknown,) = resolve(site, "small").unknown
        assert (unknown.file, unknown.line) == (str(listed), 2)
    finally:
        listed.write_text(OTHER)


def test_no_plan_has_the_password_of_a_mirror(site: Site, tmp_path: Path) -> None:
    """Scripts are told pkgdir, and what they are told is part of the plan."""
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n# sb-inputs: none\n")
    script.chmod(0o755)
    before = site.osimages["small"].get("pkgdir")
    index(tmp_path)
    with serving(tmp_path) as port:
        closed = f"{before},http://me:s3cret@127.0.0.1:{port} ./ gpgcheck=0"
        site.set("osimage", "small", pkgdir=closed, postinstall=str(script))
        try:
            plan = planned(site)
        finally:
            site.set("osimage", "small", pkgdir=before, postinstall="")
    assert f"http://127.0.0.1:{port} ./" in plan.to_json(), "the address is told"
    readable = ["find", site.root, "-type", "f", "-perm", "/044", "-exec", "grep", "-l", "s3cret", "{}", "+"]
    assert subprocess.run(readable, capture_output=True, text=True).stdout == ""
