"""Two images of different package formats are compared by what their packages are built from."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.packages.diff import sources
from sbkernel.packages.diff.change import ADDED, CHANGED, REMOVED
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.diff.formats import FORMATS, render
from sbkernel.packages.diff.matrix import matrix
from sbkernel.packages.diff.policy import Policy
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.workbench.displays import html_of


def built(name: str, version: str, source: str, source_version: str, family: str, size: int = 10) -> Package:
    arch = {"deb": "amd64", "rpm": "x86_64"}[family]
    return Package(name, version, arch, family, size, source, source_version)


DEBIAN = manifest(
    [
        built("libssl3", "3.0.17-1", "openssl", "3.0.17-1", "deb"),
        built("openssl", "3.0.17-1", "openssl", "3.0.17-1", "deb"),
        built("linux-image-6.1.0-9-amd64", "6.1.27-1", "linux-signed-amd64", "6.1.27+1", "deb", 400),
        built("xz-utils", "5.4.1-1", "xz-utils", "5.4.1-1", "deb"),
        built("zlib1g", "1:1.2.13-1", "zlib", "1:1.2.13-1", "deb"),
        built("apt", "2.6.1", "apt", "2.6.1", "deb"),
    ],
    name="deb",
)
ROCKY = manifest(
    [
        built("openssl-libs", "1:3.0.7-27.el9", "openssl", "3.0.7-27.el9", "rpm", 30),
        built("openssl", "1:3.0.7-27.el9", "openssl", "3.0.7-27.el9", "rpm"),
        built("kernel-core", "5.14.0-427.el9", "kernel", "5.14.0-427.el9", "rpm"),
        built("xz", "5.4.1-1", "xz", "5.4.1-1", "rpm"),
        built("zlib", "1.2.11-40.el9", "zlib", "1.2.11-40.el9", "rpm"),
        built("dnf", "4.14.0-9.el9", "dnf", "4.14.0-9.el9", "rpm"),
    ],
    name="el",
)


def said(found: Diff) -> list[str]:
    return [f"{row.change}: {row}" + (f" [{row.attention}]" if row.attention else "") for row in found]


def test_two_formats_are_compared_by_source_without_being_asked() -> None:
    found = diff(DEBIAN, ROCKY)
    assert said(found) == [
        "removed: apt 2.6.1",
        "added: dnf 4.14.0-9.el9",
        "changed: linux-signed-amd64 -> kernel 6.1.27+1 -> 5.14.0-427.el9 [kernel]",
        "changed: openssl 3.0.17-1 -> 3.0.7-27.el9 [openssl]",
        "changed: zlib 1:1.2.13-1 -> 1.2.11-40.el9",
    ]
    assert all(row.direction == 0 for row in found), "versions of two formats have no common order"
    assert found.by == "source"
    assert said(diff(ROCKY, DEBIAN))[0] == "added: apt 2.6.1"
    assert found.delta_bytes == -10 + 10 - 390 + 20
    assert str(found).startswith("deb -> el, by source package\nkernel, openssl moved; 1 added, 1 removed, 3 changed")


def test_every_format_and_panel_shows_it() -> None:
    found = diff(DEBIAN, ROCKY)
    assert json.loads(render(found, "json"))["by"] == "source"
    assert "linux-signed-amd64 -> kernel" in render(found, "table")
    assert found.df["change"].tolist() == ["removed", "added", "changed", "changed", "changed"]
    assert found.only("zlib").by == "source"
    for form in FORMATS:
        assert "5.14.0-427.el9" in render(found, form)
    assert "by source package" in html_of(found)


def test_a_policy_takes_what_cannot_be_ordered_for_a_downgrade() -> None:
    found = diff(DEBIAN, ROCKY)
    (broken,) = Policy(forbid=("downgraded",)).check(found).violations
    assert len(broken.rows) == 3
    assert Policy(required=("openssl-libs",), forbidden=("apt",)).check(found).allowed


def test_within_one_format_sources_have_an_order() -> None:
    newer = manifest([built("libssl3", "3.0.18-1", "openssl", "3.0.18-1", "deb")], name="new")
    older = manifest([built("libssl3", "3.0.9-1", "openssl", "3.0.9-1", "deb")], name="old")
    assert said(diff(older, newer, by="source")) == ["updated: openssl 3.0.9-1 -> 3.0.18-1 [openssl]"]
    assert said(diff(newer, older, by="source")) == ["downgraded: openssl 3.0.18-1 -> 3.0.9-1 [openssl]"]
    assert str(diff(newer, newer, by="source")) == "new -> new, by source package\nthe same sources of 1 package"


def test_packages_side_by_side_stand_in_rows_of_their_sources() -> None:
    found = matrix([DEBIAN, ROCKY])
    assert [(line.name, line.versions, line.attention) for line in found] == [
        ("apt", ("2.6.1", ""), ""),
        ("dnf", ("", "4.14.0-9.el9"), ""),
        ("kernel", ("6.1.27+1", "5.14.0-427.el9"), "kernel"),
        ("openssl", ("3.0.17-1", "3.0.7-27.el9"), "openssl"),
        ("zlib", ("1:1.2.13-1", "1.2.11-40.el9"), ""),
    ]
    assert found.headline == "5 of 6 packages differ"
    assert len(matrix([DEBIAN, ROCKY], by="package")) == 12


@pytest.mark.parametrize(
    ("name", "common"),
    [("linux", "kernel"), ("kernel-default", "kernel"), ("libX11", "libx11"), ("xz-utils", "xz"), ("own", "own")],
)
def test_what_distributions_call_differently_has_one_name(name: str, common: str) -> None:
    assert sources.common_name(name) == common == sources.common_name(common)


def test_several_versions_of_a_source_are_one_row_and_lists_have_none() -> None:
    kernels = manifest([built(f"kernel-{n}", f"{n}-1", "kernel", f"{n}-1", "rpm") for n in (5, 6)], name="two")
    listed = manifest([Package("kernel", "", "")], name="list")
    assert said(diff(DEBIAN, kernels))[1] == "changed: linux-signed-amd64 -> kernel 6.1.27+1 -> 5-1, 6-1 [kernel]"
    assert said(diff(kernels, listed, by="source")) == []
    assert said(diff(listed, ROCKY, by="source"))[0] == "added: dnf 4.14.0-9.el9"


NAMES = st.sampled_from(["a", "b", "linux", "kernel", "xz", "xz-utils"])
VERSIONS = st.sampled_from(["1", "1-1.el9", "2", ""])


def images(family: str) -> st.SearchStrategy[Manifest]:
    packages = st.builds(built, NAMES, VERSIONS, NAMES, VERSIONS, st.just(family))
    return st.lists(packages, max_size=6).map(lambda found: manifest(found, name=family, family=family))


@given(images("deb"), images("rpm"))
def test_every_source_is_there_once_and_the_way_back_is_the_mirror(a: Manifest, b: Manifest) -> None:
    there, back = diff(a, b, by="source"), diff(b, a, by="source")
    names = [sources.common_name(row.name) for row in there]
    assert len(names) == len(set(names))
    mirror = {ADDED: REMOVED, REMOVED: ADDED}
    assert sorted(mirror.get(row.change, row.change) for row in there) == sorted(row.change for row in back)
    assert all(row.change in (ADDED, REMOVED, CHANGED) for row in there) or not (len(a) and len(b))
