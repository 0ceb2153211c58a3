"""images, promote and rollback: as Python calls and as verbs."""

import json
import os
import subprocess
import sys

import pytest
from rolloutsite import IMAGE
from smallimage import age, publish, versions

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions.images import images
from sbkernel.rollout.versions.images import versions as listed
from sbkernel.rollout.versions.promote import promote, rollback
from sbkernel.site import Site


def sb(site: Site, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), *words],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_versions_say_who_has_to_do_with_them(site: Site) -> None:
    a, b, c = versions(site, IMAGE, "abc")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    nodeset(site, "n3", f"osimage={IMAGE}@{a}")
    bootlog.append(site, "n1", "mounted", image=c)
    bootlog.append(site, "n2", "mounted", image=b)
    rollback(site, IMAGE)
    frame = listed(site, IMAGE).df
    assert list(frame["digest"]) == [c, b, a]
    assert list(frame["pointers"]) == [["candidate"], ["current"], ["previous"]]
    assert list(frame["action"]) == ["publish", "rollback", "publish"]
    assert list(frame["boots"]) == [["n1", "n2"], [], ["n3"]]
    assert list(frame["pinned"]) == [[], [], ["n3"]] and list(frame["reported"]) == [["n1"], ["n2"], []]
    assert list(frame["packages"]) == [3, 3, 3] and list(frame["size"]) == [5, 5, 5]
    assert list(frame["roots"]) == [[1], [1], [1]]
    assert str(frame["published"].dt.tz) == "UTC"
    status, out, err = sb(site, "images", IMAGE)
    assert (status, err) == (0, "")
    head, first, second, third, held = rows(out)
    assert " ".join(head) == (
        "VERSION PUBLISHED (UTC) BY SIGNED WITH SIZE ROOT PACKAGES TESTED ACTION POINTERS BOOT IT REPORTED IT"
    )
    assert first[0] == c[:8] and first[-4:] == ["publish", "candidate", "n[1-2]", "n1"]
    assert second[0] == b[:8] and second[-3:] == ["rollback", "current", "n2"]
    assert third[0] == a[:8] and third[-5:] == ["publish", "previous", "n3", "(pinned:", "n3)"]
    assert " ".join(held).startswith("current is held: ") and f"sb promote {IMAGE} makes the candidate" in out
    data = json.loads(sb(site, "images", IMAGE, "--format", "json")[1])
    assert [row["digest"] for row in data] == [c, b, a] and data[0]["reported"] == ["n1"]


def test_of_a_stack_what_was_packed_stands_first(site: Site) -> None:
    publish(site, b"x" * 9_000_000, IMAGE, roots=["root.squashfs", "layer.squashfs"])
    assert "  14 B over 9.0 MB  " in str(listed(site, IMAGE))
    assert list(listed(site, IMAGE).df["roots"]) == [[9_000_000, 14]]


def test_all_images(site: Site) -> None:
    assert sb(site, "images")[1] == "No image was packed yet: sb genimage IMAGE, then sb packimage IMAGE\n"
    assert list(images(site).df.columns)[:3] == ["image", "current", "candidate"]
    a, b = versions(site, IMAGE, "ab")
    only = publish(site, b"x", "other", gated=True)
    rollback(site, IMAGE)
    nodeset(site, "n1", f"osimage={IMAGE}")
    frame = images(site).df.set_index("image")
    assert list(frame.index) == [IMAGE, "other"]
    assert list(frame.loc[IMAGE, ["current", "candidate", "held", "versions"]]) == [a, b, True, 2]
    assert list(frame.loc["other", ["current", "candidate", "held", "versions"]]) == ["", only.digest, False, 1]
    status, out, _ = sb(site, "images")
    _, first, second = rows(out)
    assert status == 0 and first[:4] == [IMAGE, a[:8], "(held)", b[:8]] and first[-1] == "n1"
    assert second[:3] == ["other", "-", only.digest[:8]]


def test_an_image_that_was_never_packed_is_an_error_that_names_those_that_were(site: Site) -> None:
    versions(site, IMAGE, "a")
    assert sb(site, "images", "nope") == (1, "", f"Error: No packed image for nope\n  there are: {IMAGE}\n")
    with pytest.raises(NotFoundError):
        listed(site, "nope")


def test_back_and_forth(site: Site) -> None:
    a, b, c = versions(site, IMAGE, "abc")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    nodeset(site, "n3", f"osimage={IMAGE}@{c}")
    status, out, _ = sb(site, "rollback", IMAGE)
    assert (status, out.splitlines()) == (0, [
        f"{IMAGE}: current is {b[:8]}, was {c[:8]}",
        f"packimage moves only the candidate until: sb promote {IMAGE}",
        f"boot files name another version: sb nodeset n[1-2] osimage={IMAGE}",
    ])  # fmt: skip
    assert (site.boot / "nodes/n1.ipxe").read_text().count(c) > 0
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    decided = promote(site, IMAGE)
    assert (decided.version.digest, decided.before, decided.held, decided.behind) == (c, b, False, ("n1", "n2"))
    assert sb(site, "promote", f"{IMAGE}@{a[:6]}")[1].splitlines()[0] == f"{IMAGE}: current is {a[:8]}, was {c[:8]}"
    assert sb(site, "promote", f"{IMAGE}@{a[:6]}")[1].splitlines()[0] == f"{IMAGE}: current stays at {a[:8]}"
    assert sb(site, "rollback", f"{IMAGE}@{b}")[1].splitlines()[0] == f"{IMAGE}: current is {b[:8]}, was {a[:8]}"
    assert Catalog(site).current(IMAGE).digest == b


def test_words_that_name_no_version(site: Site) -> None:
    [only] = versions(site, IMAGE, "a")
    there = f"\n  there are: {only[:8]} (current, candidate)\n"
    assert sb(site, "rollback", IMAGE) == (1, "", f"Error: image {IMAGE} has no version before this one{there}")
    assert sb(site, "promote", f"{IMAGE}@0bad") == (1, "", f"Error: image {IMAGE} has no version 0bad{there}")
    assert sb(site, "promote", "nope") == (1, "", "Error: No packed image for nope\n  sb packimage nope\n")
    assert sb(site, "promote", f"{IMAGE}@built")[2].startswith(f"Error: {IMAGE}@built is the tree that genimage left")


def test_gc_says_what_it_keeps_and_why(site: Site) -> None:
    digests = versions(site, IMAGE, "abcdefgh")
    nodeset(site, "n1", f"osimage={IMAGE}@{digests[0]}")
    age(site, IMAGE, 40)
    status, planned, _ = sb(site, "gc", "--dry-run", "--keep", "3")
    assert status == 0
    lines = [line.split("  ") for line in planned.splitlines()]
    assert [line[0] for line in lines[:-1]] == ["keep"] * 4 + ["would remove"] * 4
    assert planned.count("current; candidate") == planned.count("boot file of n1; pinned by n1") == 1
    assert planned.count("last needed 40 days ago") == 4
    assert planned.endswith("would free 20 B: 4 versions\n")
    assert len(Catalog(site).versions()) == 8
    assert sb(site, "gc", "--keep", "3")[1].endswith("freed 20 B: 4 versions\n")
    assert len(Catalog(site).versions()) == 4
    assert sb(site, "gc", "--older-than", "soon")[2].startswith("Error: 'soon' is no duration\n  a number with s, min")
    assert sb(site, "gc", "--keep", "-1")[0] == 2


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("images", "sb images mycomputeimage"), ("promote", "sb promote mycomputeimage@3f2a9c1d"),
        ("rollback", "sb rollback mycomputeimage@2026-11-20"), ("gc", "sb gc --keep 2 --older-than 1w"),
    ],
)  # fmt: skip
def test_help_has_examples(site: Site, verb: str, said: str) -> None:
    status, out, _ = sb(site, verb, "--help")
    assert status == 0 and "Examples:" in out and said in out
    if verb == "gc":
        assert "[default: 5" in out and "[default: 30d]" in out
