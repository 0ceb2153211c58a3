"""sb lint and sb pkg: what they print, where, and with which exit code."""

import json
from pathlib import Path

from sbrun import COMPUTE, Sb

NAMES = "Note: names of packages are not checked: "
UNREAD = f"{NAMES}the sources have not been read yet: sb pkg {COMPUTE} resolve\n"
UNBUILT = f"Note: what the exlist takes away is known by names alone before the image is built: sb genimage {COMPUTE}\n"
LIST = "# ours\nbash,vim # editor\n-gone\nbash\n"


def define(sb: Sb, tmp_path: Path, text: str = LIST) -> Path:
    listed = tmp_path / "x.pkglist"
    listed.write_text(text)
    attributes = ["imagetype=linux", "osvers=debian12", "osarch=x86_64", "profile=x", "provmethod=netboot"]
    assert sb("mkdef", "-t", "osimage", "x", *attributes, f"pkglist={listed}").code == 0
    return listed


def test_lint_prints_places_and_remedies(sb: Sb, tmp_path: Path) -> None:
    listed = define(sb, tmp_path)
    said = sb("lint", "x")
    assert (said.code, said.err) == (1, f"{NAMES}first mend the errors above\n")
    assert said.out == (
        f"{listed}:2:6: error: 'vim # editor' is not a package name\n    A comment needs a line of its own.\n"
        f"{listed}:3:1: warning: -gone removes nothing: "
        "xCAT never removes packages from a stateless image\n"
        "    Remove the line, or remove the files with the exlist.\n"
        f"{listed}:4:1: info: bash is already listed at {listed}:2\n    Remove one of them.\n"
        "x: 1 error, 1 warning, 1 remark\n"
    )
    assert sb("lint", "-q", "x").out.endswith("x: 1 error, 1 warning, 0 remarks\n")


def test_lint_as_json(sb: Sb, tmp_path: Path) -> None:
    listed = define(sb, tmp_path)
    said = sb("lint", "x", "--format", "json")
    assert said.code == 1
    first = json.loads(said.out)[0]
    assert first == {
        "file": str(listed), "line": 2, "column": 6, "severity": "error", "trace": [],
        "message": "'vim # editor' is not a package name", "remedy": "A comment needs a line of its own.",
    }  # fmt: skip


def test_lint_of_a_clean_image_and_of_none(sb: Sb) -> None:
    assert sb("lint", COMPUTE) == (0, f"{COMPUTE}: nothing found\n", UNREAD + UNBUILT)
    assert sb("lint", COMPUTE, "--format", "json") == (0, "[]\n", UNREAD + UNBUILT)
    assert sb("lint", COMPUTE, "--quiet") == (0, f"{COMPUTE}: nothing found\n", "")
    missing = sb("lint", "nothing")
    assert (missing.code, missing.out) == (1, "")
    assert "Could not find an object named 'nothing'" in missing.err


def test_warnings_do_not_fail(sb: Sb, tmp_path: Path) -> None:
    define(sb, tmp_path, "-gone\n")
    assert sb("lint", "x").code == 0


def test_pkg_adds_removes_and_takes_back(sb: Sb, tmp_path: Path, where: Path) -> None:
    shipped = f"{where}/share/netboot/debian/compute.debian12.x86_64.pkglist"
    copy = f"{where}/install/custom/netboot/debian/{COMPUTE}.pkglist"
    assert sb("pkg", COMPUTE, "add", "fio", "ncdu") == (
        0,
        f"+fio\n+ncdu\n{copy} is a copy of {shipped}; osimage {COMPUTE} now uses it\n",
        "",
    )
    assert sb("pkg", COMPUTE, "add", "fio") == (0, "nothing to do\n", "")
    assert f"pkglist={copy}" in sb("lsdef", "-t", "osimage", COMPUTE).out
    assert sb("pkg", COMPUTE, "remove", "ncdu") == (0, "-ncdu\n", "")
    assert sb("pkg", COMPUTE, "undo") == (0, f"+ncdu\npkglist={copy}\n", "")
    wrong = sb("pkg", COMPUTE, "remove", "nfio")
    assert wrong == (1, "", "Error: no pkglist lists nfio\n  did you mean fio?\n")


def test_pkg_lists_every_entry_with_its_place(sb: Sb, tmp_path: Path) -> None:
    (tmp_path / "base").write_text("bash\n")
    listed = define(sb, tmp_path, "#INCLUDE:base#\nvim,-less,--more\n")
    assert sb("pkg", "x", "list").out == (
        f"bash    {tmp_path}/base:1\nvim     {listed}:2\n-less   {listed}:2\n--more  {listed}:2\n"
    )  # fmt: skip
    assert json.loads(sb("pkg", "x", "list", "--format", "json").out)[0] == {
        "name": "bash", "where": f"{tmp_path}/base:1",
    }  # fmt: skip
    assert sb("pkg", "x", "list", "--format", "csv").out.startswith(f"bash,{tmp_path}/base:1\n")
    assert sb("pkg", "x", "--other", "list") == (0, "", "")
    assert sb("pkg", "x", "--other", "add", "site/own").out.startswith("+site/own\n")


def test_pkg_wants_names_where_they_belong(sb: Sb) -> None:
    assert "add needs names of packages" in sb("pkg", COMPUTE, "add").err
    assert "list takes no names" in sb("pkg", COMPUTE, "list", "bash").err
    refused = sb("pkg", COMPUTE, "add", "a b")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "Error: 'a b' is not a package name\n  Write one package a line, or commas between them.\n"
