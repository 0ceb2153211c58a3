"""image.json says how an image came to be, and its digest does not depend on that."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from gitrepository import make_git
from test_packimage import IMAGE, define, plant

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import content_digest
from sbkernel.images.manifests import of_version
from sbkernel.images.packimage import packimage
from sbkernel.images.provenance.made import PROVENANCE, list_states, programs_of, public
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.origin import RECORD
from sbkernel.packages.sbom.sbom import sbom
from sbkernel.site import Site

RUN = {"path": "2026/11/x-build-small", "run": "ab12", "notebook": "build.ipynb"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/more").write_text("./tmp/*\n")
    (tmp_path / "lists/exlist").write_text("./usr/share/doc*\n#INCLUDE:more#\n")
    (tmp_path / "lists/motd").write_text("hello\n")
    (tmp_path / "lists/synclist").write_text(f"{tmp_path}/lists/motd -> /etc/motd\n")
    lists = {"exlist": str(tmp_path / "lists/exlist"), "synclists": str(tmp_path / "lists/synclist")}
    define(site, IMAGE, tmp_path / "built", **lists)
    plant(tmp_path / "built")
    os.utime(tmp_path / "built/rootimg/var/lib/dpkg/status", (1_700_000_000, 1_700_000_000))
    return site


def made(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = Catalog(site).current(IMAGE).data["made"]
    return found


def test_who_packed_it_with_what_from_which_lists(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = make_git(tmp_path / "lists", remote="ssh://git@host/lists.git")
    monkeypatch.setenv(RECORD, json.dumps(RUN))
    packimage(site, IMAGE)
    packed = made(site)["packimage"]
    assert packed["record"] == RUN and packed["by"] and packed["host"] and packed["t"] > 0
    assert packed["builder"]["programs"]["libzstd"][0].isdigit()
    assert set(packed["builder"]) == {"sbkernel", "os", "kernel", "programs"}
    files = {Path(one["path"]).name: one for one in packed["lists"]}
    assert set(files) == {"exlist", "more", "synclist"}, "what a synclist lays may be secret"
    text = (tmp_path / "lists/exlist").read_bytes()
    assert files["exlist"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert files["more"]["git"] == {"commit": commit, "dirty": False, "remote": "ssh://host/lists.git"}


def test_manifest_and_sbom_are_named(site: Site) -> None:
    packimage(site, IMAGE)
    version = Catalog(site).current(IMAGE)
    assert made(site)["manifest"] == {
        "file": "manifest.json",
        "sha256": version.data["files"]["manifest.json"]["sha256"],
    }
    assert json.loads(sbom(of_version(version)))["serialNumber"] == made(site)["sbom"]["serial"]


def test_what_genimage_recorded_is_passed_on_and_changes_no_digest(site: Site, tmp_path: Path) -> None:
    packimage(site, IMAGE)
    first = Catalog(site).current(IMAGE)
    assert first.digest == content_digest(first.data)
    plan = tmp_path / "built/plan.json"
    plan.write_text(json.dumps({**RootimgDir(tmp_path / "built").record(), PROVENANCE: {"by": "anna", "plan": "p1"}}))
    assert packimage(site, IMAGE)["cached"], "who built it is no reason to pack it again"
    assert made(site)["genimage"] == {"steps": {"packages": "d1"}}, "the one who made it first stays"
    packimage(site, IMAGE, compression="xz")
    assert made(site)["genimage"] == {"by": "anna", "plan": "p1", "steps": {"packages": "d1"}}
    assert "lock" not in made(site)
    record = {**RootimgDir(tmp_path / "built").record(), "lock": {"path": "/l", "sha256": "ab"}}
    plan.write_text(json.dumps(record))
    packimage(site, IMAGE, compression="gzip")
    assert made(site)["lock"] == {"path": "/l", "sha256": "ab"}


def test_who_comes_to_the_same_is_in_the_history(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packimage(site, IMAGE)
    plan = tmp_path / "built/plan.json"
    plan.write_text(json.dumps({**RootimgDir(tmp_path / "built").record(), "fstab": "another"}))
    monkeypatch.setenv(RECORD, json.dumps(RUN))
    assert packimage(site, IMAGE)["digest"] == first["digest"]
    moves = Catalog(site).history(IMAGE)
    assert [move.record for move in moves] == [RUN, {}] and "record" not in made(site)["packimage"]


def test_no_secret_is_kept() -> None:
    attributes = {
        "environvar": "TOKEN=hunter2, USER=anna",
        "pkgdir": "https://u:hunter2@host/debian bookworm main,https://host/x?key=hunter2",
        "otherpkgdir": "/srv/x",
    }
    shown = public(attributes)
    assert "hunter2" not in str(shown)
    assert shown == {
        "environvar": "TOKEN=***,USER=***", "otherpkgdir": "/srv/x",
        "pkgdir": "https://host/debian bookworm main,https://host/x",
    }  # fmt: skip


def test_a_list_that_is_gone_or_closed_has_no_sum(tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0o600)
    states = list_states([tmp_path / "closed", tmp_path / "gone"])
    assert states == [{"path": str(tmp_path / name), "sha256": ""} for name in ("closed", "gone")]


def test_programs_that_pack() -> None:
    assert programs_of({"method": "squashfs", "compression": "zstd"}) == []
    assert programs_of({"method": "erofs", "compression": "lz4"}) == ["mkfs.erofs"]
    assert programs_of({"method": "tar", "compression": "xz"}) == ["tar", "xz"]
    assert programs_of({}) == []
