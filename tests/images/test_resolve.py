"""What a list would install, told by the real apt and the real dnf, with who pulled in what."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from debs import index, make_deb
from hypothesis import given
from hypothesis import strategies as st
from rpms import make_repository, make_rpm

from sbkernel.errors import BuildError, DefinitionError, ListFileError, NotFoundError
from sbkernel.images.families.debian.output import Resolved
from sbkernel.images.families.debian.records import candidates
from sbkernel.images.resolution import Candidate, ListResolution, explained
from sbkernel.images.resolve import resolve
from sbkernel.packages.package import Package
from sbkernel.site import Site

EMPTY = "x" * 3000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def debs(tmp_path: Path) -> Path:
    """A repository: tool needs lib by way of a virtual name, base is essential, suite needs tool and lib."""
    directory = tmp_path / "debs"
    directory.mkdir()
    make_deb(directory, "base", {"usr/base": EMPTY}, Essential="yes", Installed_Size="3")
    make_deb(directory, "lib", {"usr/lib/lib": EMPTY}, Provides="lib-api (= 1)", Depends="base", Installed_Size="7")
    make_deb(directory, "tool", {"usr/bin/tool": EMPTY}, Depends="gone | lib-api, base", Recommends="extra")
    make_deb(directory, "suite", Depends="tool, lib (>= 1.0)", Section="science", Version="2:1.0+b1")
    make_deb(directory, "extra")
    make_deb(directory, "rival", Conflicts="tool")
    index(directory)
    return directory


def define(site: Site, repository: Path, text: str, osvers: str = "debian12") -> Path:
    listed = site.root / "x.pkglist"
    listed.write_text(text)
    site.set(
        "osimage", "x", osvers=osvers, osarch="x86_64", profile="x", provmethod="netboot", imagetype="linux",
        pkglist=str(listed), pkgdir=str(repository), rootimgdir=str(site.root / "built"),
    )  # fmt: skip
    return listed


def table(resolved: ListResolution) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.package.name: (one.why, one.needed_by) for one in resolved.packages}


def test_apt_says_what_would_come_and_why(site: Site, debs: Path) -> None:
    define(site, debs, "suite\n")
    resolved = resolve(site, "x")
    assert table(resolved) == {
        "base": ("base", ("tool", "lib")),
        "lib": ("dependency", ("suite", "tool")),
        "suite": ("asked", ()),
        "tool": ("dependency", ("suite",)),
    }
    assert resolved.why("lib") == ("suite", "lib")
    assert resolved.why("extra") == ()
    assert resolved.unknown == ()
    assert not (site.root / "built").exists()


def test_sizes_sections_and_a_manifest_to_compare(site: Site, debs: Path) -> None:
    define(site, debs, "suite\n")
    resolved = resolve(site, "x")
    assert resolved.download_bytes == sum(path.stat().st_size for path in debs.glob("*.deb") if _in(path, resolved))
    row = resolved.df.set_index("name").loc["suite"]
    assert (row["version"], row["section"], row["why"], row["needed_by"]) == ("2:1.0+b1", "science", "asked", "")
    assert resolved.df.set_index("name").loc["lib", "size"] == 7 * 1024
    assert resolved.installed_bytes >= 10 * 1024
    assert [package.explicit for package in resolved.manifest if package.name in ("lib", "suite")] == [False, True]
    assert resolved.manifest.family == "deb"


def _in(path: Path, resolved: ListResolution) -> bool:
    return path.name.split("_")[0] in {one.package.name for one in resolved.packages}


def test_unknown_packages_are_named_with_their_place_and_the_rest_is_resolved(site: Site, debs: Path) -> None:
    listed = define(site, debs, "# ours\ntol,suite\nzzz=9\nlib=9\n")
    resolved = resolve(site, "x")
    assert [str(one) for one in resolved.unknown] == [
        f"{listed}:2:1: error: no source has a package tol",
        f"{listed}:3:1: error: no source has a package zzz",
        f"{listed}:4:1: error: no source has a package lib",
    ]
    assert "did you mean tool" in resolved.unknown[0].remedy
    assert "tool" in table(resolved)


def test_what_cannot_be_resolved_says_why(site: Site, debs: Path) -> None:
    define(site, debs, "suite\nrival\n")
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*rival"):
        resolve(site, "x")
    define(site, debs, "a # b\n")
    with pytest.raises(ListFileError, match=r"x.pkglist:1: 'a # b' is not a package name"):
        resolve(site, "x")
    with pytest.raises(NotFoundError, match="Cannot find image 'y' from the osimage table"):
        resolve(site, "y")


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repositories: the distribution's, and one of the site below otherpkgs/site."""
    top = tmp_path_factory.mktemp("rpms")
    distribution, own = top / "el9" / "BaseOS", top / "otherpkgs" / "site"
    for directory in (distribution, own):
        directory.mkdir(parents=True)
    make_rpm(distribution, "lib", "1:2.0-3", more="Provides: lib-api = 1")
    make_rpm(distribution, "tool", more="Requires: lib-api >= 1\nRecommends: weak")
    make_rpm(distribution, "weak", arch="noarch")
    make_rpm(distribution, "rival", more="Conflicts: tool")
    make_rpm(distribution, "broken", more="Requires: nowhere")
    make_rpm(own, "ours", more="Requires: tool")
    for directory in (distribution, own):
        make_repository(directory)
    return top


def define_el(site: Site, rpms: Path, text: str, **more: str) -> Path:
    listed = define(site, rpms / "el9", text, osvers="rocky9.4")
    site.set("osimage", "x", otherpkgdir=str(rpms / "otherpkgs"), **more)
    return listed


def test_dnf_says_what_would_come_and_why(site: Site, rpms: Path) -> None:
    other = site.root / "x.otherpkgs.pkglist"
    other.write_text("site/ours\n")
    define_el(site, rpms, "lib\n", otherpkglist=str(other))
    resolved = resolve(site, "x")
    assert table(resolved) == {
        "lib": ("asked", ("tool",)),
        "ours": ("asked", ()),
        "tool": ("dependency", ("ours",)),
    }
    lib = next(one for one in resolved.packages if one.package.name == "lib")
    file = rpms / "el9" / "BaseOS" / "x86_64" / "lib-2.0-3.x86_64.rpm"
    assert (lib.package.version, lib.package.arch, lib.package.family) == ("1:2.0-3", "x86_64", "rpm")
    assert lib.download_bytes == file.stat().st_size
    assert (lib.package.licence, lib.package.source) == ("GPLv2+ and MIT", "lib")
    assert resolved.why("tool") == ("ours", "tool")
    assert resolve(site, "x") == resolved


def test_dnf_names_what_no_repository_has(site: Site, rpms: Path) -> None:
    listed = define_el(site, rpms, "tool\ntoool\n@no-such-group\n")
    resolved = resolve(site, "x")
    assert {str(one) for one in resolved.unknown} == {
        f"{listed}:2:1: error: no source has a package toool",
        f"{listed}:3:1: error: no source has a group no-such-group",
    }
    assert "did you mean tool?" in {one.remedy for one in resolved.unknown}
    assert {"tool", "lib"} == set(table(resolved))


def test_dnf_says_why_it_cannot(site: Site, rpms: Path) -> None:
    define_el(site, rpms, "tool\nrival\n")
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*rival"):
        resolve(site, "x")
    define_el(site, rpms, "broken\n")
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*nowhere"):
        resolve(site, "x")
    define_el(site, rpms, "tool\n", pkgdir="http://127.0.0.1:9/none")
    with pytest.raises(BuildError, match="dnf cannot read the repositories"):
        resolve(site, "x")
    define_el(site, rpms, "tool\n", pkgdir=str(site.root / "nothing"))
    with pytest.raises(DefinitionError, match="no repository among pkgdir"):
        resolve(site, "x")


def test_a_dependency_is_met_by_the_first_alternative_that_is_there() -> None:
    recorded = (
        "Package: a\nVersion: 1\nArchitecture: all\nDepends: x (>= 1) | c:any [amd64] | b,\n y, virtual\nSize: 1\n",
        "Package: b\nVersion: 1\nArchitecture: all\nProvides: virtual (= 2), b-api\nInstalled-Size: odd\n",
        "",
    )
    resolved = [Resolved(name, "1", "all", 10, "", record=record) for name, record in zip("abc", recorded, strict=True)]
    one, two, three = candidates(resolved)
    assert one.needs == ("c", "b")
    assert two.package.size_bytes == 0
    assert three.needs == () and three.package.version == "1"


GRAPHS = st.dictionaries(
    st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgh"), max_size=4, unique=True), max_size=7
)


@given(GRAPHS, st.lists(st.sampled_from("abcdefgh"), max_size=3), st.sets(st.sampled_from("abc")))
def test_every_package_is_explained(graph: dict[str, list[str]], asked: list[str], base: set[str]) -> None:
    found = [Candidate(Package(name, "1", "all"), 1, tuple(needs), name in base) for name, needs in graph.items()]
    resolved = ListResolution("x", explained(found, asked))
    assert [one.package.name for one in resolved.packages] == list(graph)
    for one in resolved.packages:
        chain = resolved.why(one.package.name)
        assert chain[-1] == one.package.name
        assert all(right in graph[left] for left, right in pairwise(chain))
        assert set(one.needed_by) <= {name for name, needs in graph.items() if one.package.name in needs}
        assert (one.why == "asked") == (one.package.name in asked)
