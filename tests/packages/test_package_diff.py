"""What changed between two manifests: every kind of change, and that nothing is lost or counted twice."""

import json
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty

from sbkernel.errors import DefinitionError
from sbkernel.packages.diff.attention import Attention
from sbkernel.packages.diff.change import KINDS, PackageChange
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.diff.formats import FORMATS, render
from sbkernel.packages.diff.successor import stem
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.workbench.displays import html_of


def side(*words: str, family: str = "deb", name: str = "img", **more: object) -> Manifest:
    """Return a manifest of name=version:arch words, each 1 MB and its own source."""
    return manifest((one(word, family, **more) for word in words), family=family, name=name)


def one(word: str, family: str = "deb", **more: object) -> Package:
    name, _, rest = word.partition("=")
    version, _, arch = rest.rpartition(":")
    values = {"source": name, "source_version": version, "size_bytes": 1_000_000, **more}
    return Package(name, version, arch, family=family, **values)  # type: ignore[arg-type]


def said(found: Diff) -> list[str]:
    return [f"{row.change}: {row}" + (f" ({row.arch})" if "->" in row.arch else "") for row in found]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("x=1:amd64", "x=1:amd64", []),
        ("", "x=1:amd64", ["added: x 1"]),
        ("x=1:amd64", "", ["removed: x 1"]),
        ("x=1.9:amd64", "x=1.10:amd64", ["updated: x 1.9 -> 1.10"]),
        ("x=1.0~rc1:amd64", "x=1.0:amd64", ["updated: x 1.0~rc1 -> 1.0"]),
        ("x=2.0:amd64", "x=1:1.0:amd64", ["updated: x 2.0 -> 1:1.0"]),
        ("x=1:1.0:amd64", "x=2.0:amd64", ["downgraded: x 1:1.0 -> 2.0"]),
        ("x=2:amd64", "x=1:amd64", ["downgraded: x 2 -> 1"]),
        ("x=1.0:amd64", "x=0:1.0:amd64", ["changed: x 1.0 -> 0:1.0"]),
        ("x=1:amd64", "x=1:all", ["arch-changed: x 1 (amd64 -> all)"]),
        ("x=2:amd64", "x=1:all", ["arch-changed: x 2 -> 1 (amd64 -> all)"]),
        ("c=1:amd64 c=1:i386", "c=1:amd64", ["removed: c 1"]),
        ("c=1:amd64", "c=1:amd64 c=1:i386", ["added: c 1"]),
        ("c=1:amd64 c=1:i386", "c=2:amd64 c=2:i386", ["updated: c 1 -> 2", "updated: c 1 -> 2"]),
        (
            "c=1:amd64 c=1:i386", "c=1:all",
            ["arch-changed: c 1 (amd64 -> all)", "arch-changed: c 1 (i386 -> all)"],
        ),
    ],
)  # fmt: skip
def test_kinds_of_change(a: str, b: str, expected: list[str]) -> None:
    assert said(diff(side(*a.split()), side(*b.split()))) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("427", "427 503", ["added: kernel-core 503"]),
        ("427 503", "503", ["removed: kernel-core 427"]),
        ("427 503", "503 570", ["updated: kernel-core 427 -> 570"]),
        ("503", "427", ["downgraded: kernel-core 503 -> 427"]),
        ("503", "427 503", ["added: kernel-core 427"]),
        ("427", "503 570", ["added: kernel-core 503", "updated: kernel-core 427 -> 570"]),
    ],
)
def test_kernels_side_by_side_are_told_apart(a: str, b: str, expected: list[str]) -> None:
    def kernels(versions: str) -> Manifest:
        return side(*(f"kernel-core={version}:x86_64" for version in versions.split()), family="rpm")

    found = diff(kernels(a), kernels(b))
    assert sorted(said(found)) == expected
    assert {row.attention for row in found} == {"kernel"}


def test_a_renamed_library_is_known_by_its_source() -> None:
    a = manifest([one("libssl1.1=1.1.1n-0:amd64", source="openssl", source_version="1.1.1n-0")])
    b = manifest([one("libssl3=3.0.9-1:amd64", source="openssl", source_version="3.0.9-1")])
    (row,) = diff(a, b)
    assert (row.change, row.names, row.direction) == ("replaced", "libssl1.1 -> libssl3", 1)
    assert row.attention == "openssl"
    assert diff(b, a).rows[0].direction == -1


def test_the_kernel_of_debian_has_its_version_in_its_name() -> None:
    def kernel(abi: str, version: str) -> list[Package]:
        more = {"source": "linux-signed-amd64", "source_version": version}
        return [one(f"linux-{what}-6.1.0-{abi}-amd64={version}:amd64", **more) for what in ("image", "headers")]

    found = diff(manifest(kernel("9", "6.1.27+1")), manifest(kernel("10", "6.1.38+1")))
    assert [row.names for row in found] == [
        "linux-headers-6.1.0-9-amd64 -> linux-headers-6.1.0-10-amd64",
        "linux-image-6.1.0-9-amd64 -> linux-image-6.1.0-10-amd64",
    ]
    assert found.counts == {"replaced": 2}
    assert list(found.moved) == ["kernel"]


def test_a_package_that_says_what_it_replaces_is_believed_over_its_source() -> None:
    a = side("libnetcdf18=1:amd64", "old-a=1:amd64", "old-b=1:amd64")
    b = manifest([one("libnetcdf19=2:amd64", source="other"), one("tool=1:amd64", replaces=("old-a", "old-b"))])
    found = diff(a, b)
    assert sorted(said(found)) == [
        "added: libnetcdf19 2", "removed: libnetcdf18 1", "replaced: old-a -> tool 1", "replaced: old-b -> tool 1",
    ]  # fmt: skip
    assert found.delta_bytes == b.size_bytes - a.size_bytes, "what two packages became is counted once"


def test_a_package_that_took_in_another_has_replaced_it() -> None:
    a = side("tool=1:amd64", "tool-data=1:amd64")
    merged = manifest([one("tool=2:amd64", replaces=("tool-data",))])
    assert said(diff(a, merged)) == ["updated: tool 1 -> 2", "replaced: tool-data -> tool 1 -> 2"]
    before = manifest([one("tool=1:amd64", replaces=("tool-data",)), one("tool-data=1:amd64")])
    found = said(diff(before, merged))
    assert found == ["updated: tool 1 -> 2", "removed: tool-data 1"], "an old Replaces excuses no removal"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libssl1.1", "libssl"), ("libssl3", "libssl"), ("libssl3t64", "libssl"), ("libssl-dev", "libssl-dev"),
        ("linux-image-6.1.0-10-amd64", "linux-image-amd"), ("python3.11-minimal", "python-minimal"),
        ("libstdc++6", "libstdc"), ("gcc-12-base", "gcc-base"), ("mariadb-client-10.5", "mariadb-client"),
    ],
)  # fmt: skip
def test_the_stem_of_a_name_has_no_numbers(name: str, expected: str) -> None:
    assert stem(name) == expected


def test_the_same_version_of_another_build_is_seen() -> None:
    assert said(diff(side("x=1:amd64", sha256="a"), side("x=1:amd64", sha256="b"))) == ["rebuilt: x 1"]
    assert said(diff(side("x=1:amd64"), side("x=1:amd64", size_bytes=5))) == ["rebuilt: x 1"]
    assert said(diff(side("x=1:amd64", sha256="a"), side("x=1:amd64", sha256="a", size_bytes=5))) == []
    assert said(diff(side("x=1:amd64", size_bytes=0), side("x=1:amd64"))) == [], "nobody knows"


def test_a_version_that_cannot_be_ordered_does_not_stop_the_rest() -> None:
    found = diff(side("x=not a version:amd64", "y=1:amd64"), side("x=2:amd64", "y=2:amd64"))
    assert said(found) == ["changed: x not a version -> 2", "updated: y 1 -> 2"]


def test_a_list_is_compared_as_far_as_it_tells() -> None:
    asked = manifest([Package("bash", "", "", family=""), Package("vim", "2:9", "", family="")], name="list")
    has = side("bash=5.2:amd64", "vim=2:9:amd64", "libc6=2.36:amd64", "libc6=2.36:i386")
    assert said(diff(asked, has)) == ["added: libc6 2.36", "added: libc6 2.36"]
    assert said(diff(has, manifest([Package("vim", "2:8", "", family="")]))) == [
        "removed: bash 5.2", "removed: libc6 2.36", "removed: libc6 2.36", "downgraded: vim 2:9 -> 2:8",
    ]  # fmt: skip
    found = diff(asked, has)
    assert not found.sized
    assert found.df["delta"].tolist() == [10**6] * 2, "what is added weighs what it weighs"
    assert diff(has, asked).df["delta"].tolist() == [-(10**6)] * 2
    assert diff(asked, side("bash=5.2:amd64", "vim=2:10:amd64")).df["delta"].isna().tolist() == [True]
    assert "MB" not in found.summary


def test_dpkg_and_rpm_have_no_versions_in_common() -> None:
    with pytest.raises(DefinitionError, match=r"a is made of deb packages and b of rpm packages") as caught:
        diff(side("x=1:amd64", name="a"), side("x=1:x86_64", family="rpm", name="b"), by="package")
    assert "--by source" in str(caught.value.hint)
    assert said(diff(side("x=1:amd64"), manifest([], family="rpm"))) == ["removed: x 1"]


def test_the_frame_has_the_columns_that_one_joins_by() -> None:
    a = manifest([one("x=1:amd64", section="net", explicit=True), one("libssl1.1=1:amd64", source="openssl")])
    b = manifest([one("x=2:all", section="net", explicit=True, size_bytes=5), one("libssl3=3:amd64", source="openssl")])
    frame = diff(a, b).df.set_index("name")
    assert list(frame.columns) == [
        "change", "arch", "old", "new", "old_size", "new_size", "delta", "section", "reason", "attention",
        "old_name", "old_arch",
    ]  # fmt: skip
    assert frame.loc["x"].tolist() == [
        "arch-changed", "all", "1", "2", 1_000_000, 5, -999_995, "net", "explicit", "", "x", "amd64",
    ]  # fmt: skip
    assert frame.loc["libssl3", "old_name"] == "libssl1.1"
    assert diff(a, a).df.empty


def test_the_summary_fits_on_a_screen() -> None:
    packages = [one(f"lib{n}=1:amd64") for n in range(300)]
    a = [*packages, one("libc6=2.36-9:amd64"), one("slurmd=22.05:amd64", explicit=True), one("gone=1:amd64")]
    b = [*(p._replace(version="2", size_bytes=1_700_000) for p in packages), one("libc6=2.36-8:amd64"),
         one("slurmd=23.11:amd64", explicit=True), one("come=1:amd64", size_bytes=3_000_000)]  # fmt: skip
    found = diff(manifest(a, name="img@1"), manifest(b, name="img@2"))
    assert found.summary.splitlines() == [
        "img@1 -> img@2",
        "glibc, slurm moved; 1 added, 301 updated, 1 removed, 1 downgraded, +212.0 MB (+70.0 %)",
        "  glibc      libc6 2.36-9 -> 2.36-8 (downgraded)",
        "  slurm      slurmd 22.05 -> 23.11",
        "  removed    gone 1",
        "  added      come 1",
        "  grew most  come +3.0 MB, gone -1.0 MB",
    ]
    assert str(found) == found.summary
    assert diff(found.a, found.a).summary == "img@1 -> img@1\nthe same 303 packages"


def test_rows_are_found_by_text_kind_and_attention() -> None:
    found = diff(side("libc6=1:amd64", "x=1:amd64"), side("libc6=2:amd64", "y=1:amd64"))
    assert said(found.only("LIBC")) == ["updated: libc6 1 -> 2"]
    assert said(found.only(kinds=["added", "removed"])) == ["removed: x 1", "added: y 1"]
    assert said(found.only(attention=True)) == said(found.only("glibc"))
    assert found.only().rows == found.rows


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    found = diff(side("a|b=1:amd64", "x=1:amd64", name="one"), side("x=2:amd64", name="two"))
    assert render(found, "csv").splitlines()[1] == "removed,a|b,amd64,1,,1000000,0,-1000000,,,,a|b,amd64"
    assert "| removed | a\\|b | amd64 | 1 |  | -1.0 MB |  |  |" in render(found, "markdown").splitlines()
    data = json.loads(render(found, "json"))
    assert (data["counts"], data["delta"]) == ({"removed": 1, "updated": 1}, -1_000_000)
    assert [row["name"] for row in data["rows"]] == ["a|b", "x"]
    assert render(found, "table").splitlines()[-2:] == [
        "removed  a|b      amd64  1              -1.0 MB",
        "updated  x        amd64  1       2          0 B",
    ]
    for form in FORMATS:
        assert render(diff(found.a, found.a), form)


def test_it_shows_itself_with_inline_styles_only() -> None:
    found = diff(side("<b>=1:amd64", "libc6=1:amd64"), side("libc6=2:amd64"))
    assert pretty(found) == found.summary
    shown = html_of(found)
    assert "&lt;b&gt;" in shown
    assert not any(word in shown for word in ("<script", "<style", "<svg", "class=", "<b>=", "http"))


names = st.sampled_from(["a", "b", "libx1", "libx2", "libx3t64", "linux-image-1", "linux-image-2"])
packages = st.builds(
    lambda name, version, arch, source, replaces, size: Package(
        name, version, arch, "deb", source=source, source_version=version, replaces=replaces, size_bytes=size
    ),
    names,
    st.sampled_from(["1", "2", "1:1", "1.0~1", "2-1+b1"]),
    st.sampled_from(["amd64", "i386", "all"]),
    st.sampled_from(["", "x", "libx1", "libx2"]),
    st.lists(names, max_size=2).map(tuple),
    st.sampled_from([5, 7]),
)


def distinct(found: Iterable[Package]) -> list[Package]:
    return list({package[:3]: package for package in found}.values())


@given(st.lists(packages, max_size=12).map(distinct), st.lists(packages, max_size=12).map(distinct))
def test_the_rows_make_one_side_of_the_other(a: list[Package], b: list[Package]) -> None:
    old, new = manifest(a), manifest(b)
    found = diff(old, new)
    gone = Counter(row.old[:3] for row in found if row.old)
    come = Counter(row.new[:3] for row in found if row.new and not row.shared)
    before, after = Counter(p[:3] for p in a), Counter(p[:3] for p in b)
    assert before - gone + come == after
    assert gone <= before, "no package is in two rows"
    assert come <= after
    assert found.delta_bytes == (new.size_bytes - old.size_bytes if found.sized else 0)
    assert set(found.counts) <= set(KINDS)
    assert not diff(old, old).rows
    assert {row.change for row in diff(new, old) if row.change == "updated"} <= {"updated"}
    _mirrored(found, diff(new, old))


def _mirrored(there: Diff, back: Diff) -> None:
    """What was updated one way is downgraded the other way."""

    def pairs(found: Diff, kind: str) -> set[tuple[object, object]]:
        return {(row.old, row.new) for row in found if row.change == kind}

    assert pairs(there, "updated") == {(new, old) for old, new in pairs(back, "downgraded")}


def test_groups_of_a_diff_are_those_that_were_looked_for() -> None:
    found = diff(side("x=1:amd64"), side("x=2:amd64"), Attention({"mine": ["src:x"]}))
    assert (found.groups, found.rows[0].attention) == (("mine",), "mine")
    assert PackageChange("added", None, one("y=1:all")).reason == ""
