"""Many images side by side."""

import json

from IPython.lib.pretty import pretty

from sbkernel.packages.diff.formats import FORMATS, render
from sbkernel.packages.diff.matrix import Matrix, matrix
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.workbench.displays import html_of


def image(name: str, *words: str, family: str = "deb") -> Manifest:
    packages = (Package(*word.split("="), "amd64", family=family, size_bytes=5) for word in words)
    return manifest(packages, name=name)


def three(**more: bool) -> Matrix:
    return matrix(
        [image("a", "libc6=1", "x=1", "k=1"), image("b", "libc6=1", "x=2", "k=1", "k=2"), image("c", "libc6=1")], **more
    )


def test_only_what_differs_is_shown() -> None:
    found = three()
    assert [(line.name, line.versions) for line in found] == [("k", ("1", "1, 2", "")), ("x", ("1", "2", ""))]
    assert (len(found), found.total) == (2, 3)
    frame = found.df
    assert frame.index.names == ["name", "arch"]
    assert frame.loc[("x", "amd64")].to_dict() == {"a": "1", "b": "2", "c": ""}
    assert [line.name for line in three(differing=False)] == ["k", "libc6", "x"]
    assert three(differing=False).lines[1].attention == "glibc"


def test_of_the_same_or_of_nothing() -> None:
    same = matrix([image("a", "x=1"), image("a", "x=1")])
    assert (len(same), same.names) == (0, ("a", "a (2)"))
    assert same.df.empty
    assert str(same).startswith("the same 1 packages\n")
    assert matrix([]).df.empty


def test_families_and_lists_stand_side_by_side() -> None:
    found = matrix([image("a", "x=1"), image("b", "x=1-1.el9", family="rpm"), manifest([Package("x", "", "amd64")])])
    assert found.lines[0].versions == ("1", "1-1.el9", "listed")


def test_formats() -> None:
    found = three()
    assert render(found, "csv").splitlines() == ["name,arch,a,b,c", 'k,amd64,1,"1, 2",', "x,amd64,1,2,"]
    assert render(found, "markdown").splitlines()[2:] == ["| k | amd64 | 1 | 1, 2 |  |", "| x | amd64 | 1 | 2 |  |"]
    assert json.loads(render(found, "json"))["packages"][0]["versions"] == {"a": "1", "b": "1, 2", "c": ""}
    assert render(found, "table").splitlines() == [
        "2 of 3 packages differ",
        "",
        "PACKAGE     ARCH   a     b     c",
        "(packages)         3     4     1",
        "(on disk)          15 B  20 B  5 B",
        "k           amd64  1     1, 2  -",
        "x           amd64  1     2     -",
    ]
    for form in FORMATS:
        assert render(matrix([]), form)
    assert pretty(found) == str(found) == render(found, "table")
    shown = html_of(found)
    assert "<style" not in shown and "2 of 3 packages differ" in shown
