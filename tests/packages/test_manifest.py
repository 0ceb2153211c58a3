"""A manifest survives its file, also the first format; what is no manifest is refused with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import ListFileError
from sbkernel.packages.manifest import Manifest, from_json, manifest
from sbkernel.packages.package import Package
from sbkernel.packages.release import Release

TEXT = st.text(max_size=8)
PACKAGES = st.builds(
    Package, TEXT, TEXT, TEXT, st.just("rpm"), st.integers(0, 2**50), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT,
    st.sampled_from([None, True, False]), TEXT, TEXT, TEXT, st.tuples(TEXT), TEXT,
)  # fmt: skip
KERNELS = [Package("kernel", version, "x86_64", "rpm", 9) for version in ("6.1-2", "6.1-10", "5.14-1")]


@given(st.lists(PACKAGES, max_size=5), TEXT, st.integers(0, 2**40))
def test_a_manifest_read_back_is_the_same(packages: list[Package], name: str, made: int) -> None:
    written = manifest(
        packages, family="rpm", name=name, kind="tree", made=made, release=Release("rocky", "9.4", "Rocky")
    )
    assert from_json(written.to_json()) == written
    assert from_json(written.to_json()).to_json() == written.to_json()


def test_the_order_of_the_packages_given_does_not_matter() -> None:
    assert manifest(KERNELS).to_json() == manifest(reversed(KERNELS)).to_json()


def test_several_versions_of_one_name_are_kept_apart() -> None:
    assert [p.version for p in manifest(KERNELS).versions()["kernel", "x86_64"]] == ["5.14-1", "6.1-10", "6.1-2"]


def test_it_is_one_line_where_it_is_printed() -> None:
    assert repr(manifest(KERNELS, name="img")) == "Manifest('img', 3 packages)"


def test_one_package_a_line() -> None:
    lines = manifest(KERNELS).to_json().splitlines()
    assert len(lines) == 5
    assert json.loads(lines[1].rstrip(",")) == {"arch": "x86_64", "name": "kernel", "size": 9, "version": "5.14-1"}


def test_the_first_format_is_read(tmp_path: Path) -> None:
    entry = {
        "arch": "amd64", "name": "libc6", "priority": "optional", "section": "libs", "size": 12991, "source": "glibc",
        "source_version": "2.36-9", "version": "2.36-9+deb12u4",
    }  # fmt: skip
    (package,) = from_json(json.dumps([entry]))
    assert (package.family, package.size_bytes, package.source, package.explicit) == ("deb", 12991, "glibc", None)
    assert from_json("[]") == Manifest((), "deb")


def test_fields_of_a_later_version_are_left_out() -> None:
    text = '{"format": 2, "family": "deb", "new": 1, "packages": [{"name": "a", "version": "1", "arch": "b", "x": 2}]}'
    assert from_json(text).packages == (Package("a", "1", "b", "deb"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[\n{"name": "a"\n', r"^m.json:3: not JSON"),
        ('"hello"', r"^m.json:1: JSON, but no manifest"),
        ('{"files": []}', r"^m.json:1: JSON, but no manifest"),
        ('{"format": 3, "packages": []}', r"^m.json:1: manifest of format 3\n  a newer sbkernel wrote it"),
        ('{"format": 2, "family": "apk", "packages": []}', r"^m.json:1: no package family 'apk'\n  deb or rpm"),
        ('[{"name": "a", "version": "1", "arch": "all"},\n{"name": "b"}]', r"^m.json:3: entry 2 is no package"),
        ('[\n{"name": 7, "version": "1", "arch": "all"}]', r"^m.json:2: entry 1 is no package: .* are texts"),
        ('[\n"a"]', r"^m.json:2: entry 1 is no package"),
        ('[{"name": "a", "version": "1", "arch": "all", "size": "big"}]', r"^m.json:2: entry 1 is no package"),
        ('{"format": 2, "made": "soon", "packages": []}', r"^m.json:1: .*made"),
        ('{"format": 2, "release": 5, "packages": []}', r"^m.json:1: .*release"),
        ('{"format": 2, "warnings": 5, "packages": []}', r"^m.json:1: .*warnings"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ListFileError, match=said):
        from_json(text, "m.json")
