"""--security-only: the real dnf, and zypper, between repositories with advisories and without."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from rpmbase import BASE, advise, make_base, open_image, put_advisories
from rpms import make_repository, make_rpm

from sbkernel.errors import BuildError
from sbkernel.images.families.resolved import Resolution
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

ADVISORIES = (
    ("FIX-1", "security", ["lib-1.1-1", "split-2.0-1"]),
    ("FIX-2", "security", ["gone-1.1-1"]),
    ("OLD-1", "security", ["keep-0.9-1"]),
    ("FAR-1", "security", ["lib-1.9-1"]),
    ("BUG-1", "bugfix", ["lib-1.2-1", "keep-1.5-1"]),
)
INSTALLED = dict.fromkeys((BASE, "tool", "lib", "keep", "gone", "split"), "1.0-1")
FIXED = {**INSTALLED, "lib": "1.1-1", "gone": "1:1.0-1", "split": "2.0-1", "split-data": "2.0-1"}


@pytest.fixture(scope="module")
def updates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is there now of an image that had 1.0-1 of everything; of `gone`, the version with the fix is replaced."""
    place = tmp_path_factory.mktemp("repositories") / "updates"
    place.mkdir()
    make_base(place)
    make_rpm(place, "tool", "1.0-1", more=f"Requires: {BASE} lib keep gone split\n")
    for version in ("1.0-1", "1.1-1", "1.2-1"):
        make_rpm(place, "lib", version)
    for version in ("1.0-1", "1.5-1"):
        make_rpm(place, "keep", version)
    for version in ("1.0-1", "1:1.0-1", "1:2.0-1"):
        make_rpm(place, "gone", version)
    make_rpm(place, "split", "1.0-1")
    make_rpm(place, "split", "2.0-1", more="Requires: split-data\n")
    make_rpm(place, "split-data", "2.0-1")
    make_repository(place)
    advise(place, *ADVISORIES)
    return place


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repositories") / "plain"
    place.mkdir()
    for version in ("1.0-1", "2.0-1"):
        make_rpm(place, "own", version)
    make_repository(place)
    return place


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        yield site


def found(site: Site, pkgdir: object, installed: Mapping[str, str], text: str = "tool\n", **more: str) -> Resolution:
    return open_image(site, str(pkgdir), text, **more).resolve_security(installed, NullReport())


def versions(resolution: Resolution) -> dict[str, str]:
    return {one.name: one.version for one in resolution.packages}


@pytest.mark.parametrize("osvers", ["rocky9.4", "sles15.6"])
def test_only_what_security_advisories_name_changes_and_what_that_needs_comes(
    site: Site, updates: Path, osvers: str
) -> None:
    first = found(site, updates, INSTALLED, osvers=osvers)
    assert versions(first) == FIXED
    assert first.untold == ("lib 1.9-1: an advisory names it for security, and no repository has it",)
    assert versions(found(site, updates, FIXED, osvers=osvers)) == FIXED, "a second time there is nothing to do"
    later = {**FIXED, "lib": "1.2-1", "keep": "1.5-1"}
    assert versions(found(site, updates, later, osvers=osvers)) == later, "nothing goes back"


def test_a_version_that_a_list_names_stays_what_the_list_says(site: Site, updates: Path) -> None:
    for spelt in ("lib=1.0", "lib-1.0-1"):
        assert versions(found(site, updates, INSTALLED, f"tool\n{spelt}\n")) == {**FIXED, "lib": "1.0-1"}


def test_repositories_without_advisories_are_named(site: Site, updates: Path, plain: Path) -> None:
    with pytest.raises(BuildError) as caught:
        found(site, plain, {"own": "1.0-1"}, "own\n")
    assert f"no source has advisories (updateinfo):\n  plain (file://{plain})" in caught.value.message
    assert "without --security-only" in str(caught.value.hint)
    both = found(site, f"{updates},{plain}", {**INSTALLED, "own": "1.0-1"}, "tool\nown\n")
    assert versions(both) == {**FIXED, "own": "1.0-1"}
    assert both.untold[0] == f"plain (file://{plain}) has no advisories (updateinfo)" and len(both.untold) == 2


@pytest.mark.parametrize("compressed", [("gzip -c", ".gz"), ("xz -c", ".xz"), ("zstd -c", ".zst")])
def test_advisories_that_cannot_be_read_are_no_lack_of_them(
    site: Site, tmp_path: Path, compressed: tuple[str, str]
) -> None:
    place = tmp_path / "a blank"
    place.mkdir()
    for version in ("1.0-1", "1.1-1"):
        make_rpm(place, "lib", version)
    make_repository(place)
    advise(place, ("FIX", "security", ["lib-1.1-1"]))
    whole = (place / "updateinfo.xml").read_text()
    for text, said in ((whole, ""), (whole[:40], "no element found|unclosed token"), ("<html/>", "html is no list")):
        make_repository(place)
        put_advisories(place, text, compressed)
        if not said:
            assert versions(found(site, place, {"lib": "1.0-1"}, "lib\n")) == {"lib": "1.1-1"}
            continue
        with pytest.raises(BuildError, match=rf"(?s)cannot be trusted.*a-blank: parse error in its advi.*({said})"):
            found(site, place, {"lib": "1.0-1"}, "lib\n")


def test_a_version_that_nobody_has_any_more_is_told(site: Site, updates: Path) -> None:
    with pytest.raises(BuildError, match=r"any more of:\n  keep 0.95-1 \(there is 1.5-1\)"):
        found(site, updates, {**INSTALLED, "keep": "0.95-1"})
