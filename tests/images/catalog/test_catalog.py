"""Publishing, promoting, going back, on a catalog of small images."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from smallimage import publish, versions

from sbkernel.errors import BuildError, DefinitionError, NotFoundError
from sbkernel.files import hold
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def test_history_says_what_when_by_whom(site: Site) -> None:
    catalog = Catalog(site)
    a, b = versions(site, "img", "ab")
    catalog.rollback("img")
    catalog.promote("img")
    moves = catalog.history("img")
    assert [(move.action, move.digest) for move in moves] == [
        ("promote", b), ("rollback", a), ("publish", b), ("publish", a),
    ]  # fmt: skip
    assert all(move.by and move.host and move.t > 1e9 for move in moves)
    data = json.loads((catalog.names / "img.json").read_text())
    assert list(data)[:3] == ["image", "digest", "candidate"] and data["digest"] == data["candidate"] == b


def test_a_gate_keeps_what_nodes_boot(site: Site) -> None:
    catalog = Catalog(site)
    first = publish(site, b"a", "img", gated=True)
    with pytest.raises(NotFoundError, match="no version of img was promoted yet\n  sb promote img"):
        catalog.current("img")
    assert catalog.promote("img") == first == catalog.current("img")
    second = publish(site, b"b", "img", gated=True)
    assert catalog.current("img") == first
    assert catalog.promote(f"img@{second.digest[:8]}") == second == catalog.current("img")


def test_versions_of_all_formats_lie_side_by_side(site: Site) -> None:
    """The root has its format's name; image.json tells which file it is, also that of a version of before."""
    catalog = Catalog(site)
    for name in ("root.squashfs", "root.cpio.gz", "root.tar.zst"):
        version = publish(site, name.encode(), "img", root_name=name)
        assert (version.root, version.root_size) == (version.dir / name, len(name))
        assert version.size_bytes == len(name) + len("xx[]") and version.unpacked_bytes == 0
        assert version.damaged() == []
        version.root.write_bytes(b"other")
        assert version.damaged() == [name]
    assert len(catalog.versions("img")) == 3


def test_the_roots_of_a_version_from_the_bottom_up(site: Site) -> None:
    """A version of before has one and does not say so."""
    [only] = publish(site, b"a", "img").roots
    assert only == ("root.squashfs", hashlib.sha256(b"a").hexdigest(), 1, "")
    names = ["root.squashfs", "layer2.squashfs", "layer1.squashfs"]
    stacked = publish(site, b"a", "img", roots=names)
    assert [root.name for root in stacked.roots] == names and stacked.roots[0] == only
    assert [root.size for root in stacked.roots] == [1, 15, 15] and len({root.sha256 for root in stacked.roots}) == 3
    assert (stacked.root, stacked.root_size) == (stacked.dir / "root.squashfs", 1)


def test_the_root_hash_of_dm_verity_stands_beside_the_sum(site: Site) -> None:
    plain = publish(site, b"a", "img")
    files = {name: dict(facts) for name, facts in plain.data["files"].items()}
    files["root.squashfs"]["verity"] = "ab" * 32
    version = ImageVersion(plain.dir, {**plain.data, "files": files})
    assert version.roots[0].verity == "ab" * 32 and version.damaged() == []
    version.root.write_bytes(b"b")
    assert version.damaged() == ["root.squashfs"]


def test_promoting_twice_is_noted_once(site: Site) -> None:
    catalog = Catalog(site)
    versions(site, "img", "ab")
    catalog.rollback("img")
    for _ in range(2):
        catalog.promote("img")
    assert [move.action for move in catalog.history("img")] == ["promote", "rollback", "publish", "publish"]


def test_a_word_that_names_nothing_moves_nothing(site: Site) -> None:
    catalog = Catalog(site)
    [only] = versions(site, "img", "a")
    for word in ("img@beef", "img@previous", "other", "img@built"):
        with pytest.raises(NotFoundError):
            catalog.promote(word)
    with pytest.raises(NotFoundError, match="no version before this one"):
        catalog.rollback("img")
    assert [move.digest for move in catalog.history("img")] == [only]


@pytest.mark.parametrize("name", ["../img", "", "a/b", ".img", "a\0b"])
def test_a_name_is_no_path(site: Site, name: str) -> None:
    with pytest.raises(DefinitionError, match="is invalid"):
        Catalog(site).find(name)


def test_a_version_that_is_gone_is_published_anew(site: Site) -> None:
    catalog = Catalog(site)
    a, b = versions(site, "img", "ab")
    again = catalog.publish_again("img", a)
    assert again is not None and catalog.current("img").digest == a
    assert catalog.publish_again("img", "0" * 64) is None
    assert [version.digest for version in catalog.versions("img")] == [a, b], "the one packed last stands first"


def test_a_version_in_use_is_marked_and_locked_by_any_number(site: Site) -> None:
    catalog = Catalog(site)
    versions(site, "img", "ab")
    before = catalog.current("img").dir.stat().st_mtime_ns
    with catalog.using("img") as version, catalog.using("img") as same:
        assert version == same
        with pytest.raises(BlockingIOError):
            hold(version.dir / "image.json", wait=False)
        assert version.dir.stat().st_mtime_ns > before
        publish(site, b"c", "img")


def test_many_publish_at_once_and_no_move_is_lost(site: Site) -> None:
    def pack(text: str) -> None:
        with Site.open(site.root) as own:
            publish(own, text.encode(), "img")

    threads = [threading.Thread(target=pack, args=(str(number),)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    catalog = Catalog(site)
    assert len({move.digest for move in catalog.history("img")}) == len(catalog.versions("img")) == 12
    assert catalog.images() == ["img"]


def test_a_rollback_goes_to_the_newest_version_before_that_is_still_there(site: Site) -> None:
    catalog = Catalog(site)
    a, b, c, d = versions(site, "img", "abcd")
    for digest in (b, c):
        shutil.rmtree(catalog.path / digest)
    assert catalog.find("img@previous").digest == a
    assert catalog.rollback("img").digest == a
    with pytest.raises(NotFoundError, match=f"no version before this one\n  there are: {d[:8]}"):
        catalog.rollback("img")


@pytest.mark.parametrize("text", ["", "[", "[]", "7", '{"history": 5}', '{"image": []}'])
def test_damaged_pointers_are_named_with_a_way_out(site: Site, text: str) -> None:
    version = publish(site, b"a", "img")
    (site.catalog / "names/img.json").write_text(text)
    with pytest.raises(BuildError, match=r"names/img\.json is damaged\n  move it away"):
        Catalog(site).pointers("img")
    (site.catalog / "names/img.json").unlink()
    assert Catalog(site).promote(f"img@{version.digest}").digest == version.digest
