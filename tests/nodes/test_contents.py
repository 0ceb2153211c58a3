"""What a word stands for, and what differs between two: sb diff on a real site."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packedtwice import pack_twice

from sbkernel.errors import DefinitionError, ListFileError, NodeError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.nodes import contents
from sbkernel.packages.manifest import manifest
from sbkernel.packages.package import Package
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with an image that was packed twice, and a node."""
    monkeypatch.chdir(tmp_path)
    with Site.open(tmp_path / "site") as opened:
        opened.set("node", "n1", groups="all")
        pack_twice(opened, tmp_path)
        yield opened


def test_every_word(site: Site, tmp_path: Path) -> None:
    Path("m.json").write_text(manifest([Package("a", "1", "all")], name="m").to_json())
    now, before = Catalog(site).current("img"), Catalog(site).get(Catalog(site).pointers("img").previous)
    packages = ["bash=5.2-2:amd64", "libssl3=3.0.9-1:amd64", "slurmd=23.11:amd64"]
    for word, name, found in (
        ("img", f"img@{now.digest[:8]}", packages),
        ("image:img", f"img@{now.digest[:8]}", packages),
        (f"img@{now.digest[:6]}", f"img@{now.digest[:8]}", packages),
        ("img@built", "img@built", packages),
        ("img@previous", f"img@{before.digest[:8]}", ["bash=5.2-1:amd64", "libssl1.1=1.1.1n-0:amd64", "old=1:amd64"]),
        ("m.json", "m.json", ["a=1:all"]),
        ("file:m.json", "m.json", ["a=1:all"]),
        (str(tmp_path / "built/rootimg"), str(tmp_path / "built/rootimg"), packages),
        (str(now.root), str(now.root), packages),
        ("img.pkglist", "img.pkglist", ["bash=:", "vim=2:9.0-1:"]),
        ("pkglist:img", "pkglist:img", ["bash=:", "vim=2:9.0-1:"]),
    ):
        read = contents.labelled(site, word)
        assert (read.name, [str(package) for package in read]) == (name, found), word
    assert contents.of(site, "img").name == "img"


def test_a_word_that_could_be_several_things_is_refused(site: Site) -> None:
    site.set("node", "img", groups="all")
    with pytest.raises(DefinitionError, match=r"img is an osimage and a node\n  say image:img or node:img"):
        contents.of(site, "img")
    Path("n1").mkdir()
    with pytest.raises(DefinitionError, match=r"n1 is a node and a file\n  say node:n1 or file:n1"):
        contents.of(site, "n1")
    assert contents.meaning(site, "./n1") == ("file", "./n1")
    assert contents.meaning(site, "node:n1") == ("node", "n1")


def test_words_that_name_nothing(site: Site) -> None:
    with pytest.raises(NotFoundError, match=r"imgg is no osimage, node or file\n  did you mean img"):
        contents.of(site, "imgg")
    with pytest.raises(NotFoundError, match="no osimage, node or file\n  sb lsdef"):
        contents.of(site, "")
    with pytest.raises(NotFoundError, match="image img has no version 0bad"):
        contents.of(site, "img@0bad")
    with pytest.raises(NotFoundError, match="no manifest, packed image or tree"):
        contents.of(site, "/none")
    with pytest.raises(NodeError, match="n1"):
        contents.of(site, "n1")
    Path("wrong.json").write_text("{")
    with pytest.raises(ListFileError, match=r"wrong.json:1: not JSON"):
        contents.of(site, "wrong.json")


def test_where_the_files_are(site: Site, tmp_path: Path) -> None:
    tree = tmp_path / "built/rootimg"
    assert contents.root(site, "img") == Catalog(site).current("img").root
    assert contents.root(site, "img@built") == contents.root(site, str(tree)) == tree
    assert [contents.root(site, word) for word in ("n1", "pkglist:img", "img.pkglist")] == [None] * 3


def test_what_came_before(site: Site) -> None:
    assert contents.before(site, "img") == "image:img@previous"
    assert contents.before(site, "n1") == "n1"
    site.set("osimage", "new", osvers="debian12")
    assert contents.before(site, "new") == "pkglist:new"


def test_two_versions_of_an_image(site: Site) -> None:
    found = contents.diff(site, "img@previous", "img")
    assert [f"{row.change} {row}" for row in found] == [
        "updated bash 5.2-1 -> 5.2-2", "replaced libssl1.1 -> libssl3 1.1.1n-0 -> 3.0.9-1", "removed old 1",
        "added slurmd 23.11",
    ]  # fmt: skip
    assert found.delta_bytes == (7100 + 6000 + 900 - 7000 - 4000 - 90) * 1024
    assert list(found.moved) == ["openssl", "slurm"]
    assert not contents.diff(site, "img", "img@built").rows


def test_the_version_of_a_day(site: Site) -> None:
    names = Catalog(site).names / "img.json"
    data = json.loads(names.read_text())
    for entry, day in zip(data["history"], (19, 21), strict=True):
        entry["t"] = datetime(2026, 11, day, 23, 59, tzinfo=UTC).timestamp()
    names.write_text(json.dumps(data))
    first, second = (entry["digest"] for entry in data["history"])
    for day, digest in (("2026-11-19", first), ("2026-11-20", first), ("2026-11-21", second), ("2027-01-01", second)):
        assert contents.labelled(site, f"img@{day}").name == f"img@{digest[:8]}"
    assert len(contents.diff(site, "img@2026-11-20", "img")) == 4
    with pytest.raises(NotFoundError, match="image img was not published yet on 2026-11-18"):
        contents.of(site, "img@2026-11-18")
    with pytest.raises(NotFoundError, match=r"2026-11-31 is no day\n  YYYY-MM-DD"):
        contents.of(site, "img@2026-11-31")


def test_what_is_asked_for_and_what_is_there(site: Site) -> None:
    rows = contents.diff(site, "pkglist:img", "img").rows
    assert [(row.change, row.name) for row in rows] == [
        ("added", "libssl3"), ("added", "slurmd"), ("removed", "vim"),
    ]  # fmt: skip
    assert len(contents.matrix(site, ["img", "img@previous", "pkglist:img"])) == 6


def sb(site: Site, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "diff", *words],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_the_verb(site: Site) -> None:
    now, before = Catalog(site).current("img").digest[:8], Catalog(site).pointers("img").previous[:8]
    status, out, err = sb(site, "img")
    assert (status, err) == (0, "")
    assert out == (
        f"img@{before} -> img@{now}\n"
        "openssl, slurm moved; 1 added, 1 updated, 1 removed, 1 replaced, +3.0 MB (+26.2 %)\n"
        "  openssl    libssl1.1 -> libssl3 1.1.1n-0 -> 3.0.9-1\n"
        "  slurm      slurmd 23.11 (added)\n"
        "  removed    old 1\n"
        "  grew most  libssl3 +2.0 MB\n"
        "\n"
        "CHANGE    PACKAGE               ARCH   BEFORE    AFTER         SIZE  SECTION  WHY\n"
        "updated   bash                  amd64  5.2-1     5.2-2    +102.4 kB\n"
        "replaced  libssl1.1 -> libssl3  amd64  1.1.1n-0  3.0.9-1    +2.0 MB           openssl\n"
        "removed   old                   amd64  1                   -92.2 kB\n"
        "added     slurmd                amd64            23.11    +921.6 kB           slurm\n"
    )
    assert sb(site, "img@previous", "img", "-s")[1] == out.partition("\n\n")[0] + "\n"
    assert sb(site, "img", "image:img")[1] == f"img@{now} -> img@{now}\nthe same 3 packages\n"
    assert sb(site, "img@previous", "img", "pkglist:img")[1].startswith("6 of 6 packages differ\n")
    assert sb(site, "img@previous", "img", "--matrix", "--all", "--format", "csv")[1].count("\n") == 6


def test_a_policy_decides_the_exit_status(site: Site) -> None:
    Path("p.yaml").write_text("removed: forbid\ngrowth: 50 %\n")
    status, out, err = sb(site, "img", "--policy", "p.yaml", "--format", "json")
    assert status == 1
    assert err.splitlines()[0].endswith("breaks the policy p.yaml:")
    assert err.splitlines()[1:] == ["  removed: forbid: 1 package", "      old 1"]
    data = json.loads(out)
    assert data["policy"]["violations"] == [{"rule": "removed: forbid", "text": "1 package", "rows": ["old 1"]}]
    Path("p.yaml").write_text("growth: 50 %\nexempt: [old]\nremoved: forbid\n")
    status, out, err = sb(site, "img", "--policy", "p.yaml", "-s")
    assert (status, err.count("keeps the policy p.yaml")) == (0, 1)
    Path("p.yaml").write_text("removed: forbid\ngrow: 5 %\n")
    status, out, err = sb(site, "img", "--policy", "p.yaml")
    assert (status, out, err) == (
        1, "", "Error: p.yaml:2: a policy has no rule 'grow'\n  did you mean growth?\n",
    )  # fmt: skip
    assert sb(site, "img", "img", "img", "--policy", "p.yaml")[0] == 1
    assert sb(site, "img", "--policy", "none")[2].startswith("Error: cannot read the policy none: No such file")
    Path("p.yaml").write_text("")
    assert sb(site, "img", "img", "img", "--policy", "p.yaml")[0] == 2
