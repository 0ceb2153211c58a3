"""From a version to who made it and the record that shows it; from nodes to versions."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packedtwice import pack_twice
from smallimage import publish, versions

from sbkernel.cli.main import main
from sbkernel.errors import NotFoundError
from sbkernel.files import write_whole
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.records.run import run_notebook
from sbkernel.records.whatruns import whatruns
from sbkernel.records.why import why
from sbkernel.rollout.versions.promote import rollback
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"
PACK = """
from sbkernel.images.packimage import packimage
from sbkernel.jobs import job as jobs
from sbkernel.site import Site
job = jobs.start(Site.open(), "packimage", "sbkernel.images.packimage:packimage", image="img", compression="xz")
job.wait()
"""
Write = Callable[..., Path]


def sb(site: Site, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(site.root), *words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_version_leads_to_the_record_that_packed_it(
    site: Site, notebook: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack_twice(site, tmp_path)
    record = run_notebook(site, notebook(PACK), {"image": "img"})
    assert record.ok
    told = why(site, "img")
    packed = told.made["packimage"]
    assert packed["record"]["notebook"] == "small.ipynb" and packed["job"].endswith("-packimage")
    assert told.record == record.path_html and str(record.path_html) in str(told)
    assert told.moves[-1].record == packed["record"] and told.moves[-1].job == packed["job"]
    data = json.loads(sb(site, capsys, "images", f"img@{told.version.digest[:6]}", "--why", "--json")[1])
    assert data["made"] == told.made and data["records"] == {packed["record"]["run"]: str(record.path_ipynb)}
    assert data["pointers"] == ["current", "candidate"] and data["compare"] == told.compare
    assert told.compare.startswith("sb diff img@") and why(site, told.compare.split()[2]).version.image == "img"
    record.path_html.unlink()
    assert why(site, "img").record == record.path_ipynb, "the notebook itself, where its page is gone"
    record.path_ipynb.write_text("{")
    assert why(site, "img").record is None and "which is gone" in str(why(site, "img"))
    shutil.rmtree(site.records)
    assert why(site, "img").record is None


def test_the_record_of_another_run_is_not_taken_for_it(site: Site, notebook: Write, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    record = run_notebook(site, notebook(PACK), {"image": "img"})
    text = record.path_ipynb.read_text()
    run = why(site, "img").made["packimage"]["record"]["run"]
    record.path_ipynb.write_text(text.replace(run, "0" * 32))
    assert why(site, "img").record is None
    record.path_ipynb.with_name(record.path_ipynb.name.replace("-ok", "-failed.2")).write_text(text)
    assert why(site, "img").record is not None


def test_a_version_without_provenance_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = versions(site, IMAGE, "ab")
    status, out, _ = sb(site, capsys, "images", f"{IMAGE}@{a}", "--why")
    assert status == 0 and "genimage   not recorded\n" in out and "publish (candidate current)" in out
    assert "compare" not in out and f"sb diff {IMAGE}@{a[:8]} {IMAGE}@{b[:8]}" in str(why(site, IMAGE))
    assert sb(site, capsys, "images", "--why")[0] == 2
    assert "No packed image for nope" in sb(site, capsys, "images", "nope", "--why")[2]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"digest": "x"}', "\0\xff"])
def test_a_damaged_version_is_named_and_hides_no_other(site: Site, text: str, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    catalog = Catalog(site)
    damaged, whole = catalog.find("img"), catalog.find("img@previous")
    (damaged.dir / "image.json").write_bytes(text.encode("latin-1"))
    for word in ("img", f"img@{damaged.digest[:8]}"):
        with pytest.raises(NotFoundError, match=r"image\.json is damaged"):
            why(site, word)
    assert [version.digest for version in catalog.versions("img")] == [whole.digest]
    assert packimage(site, "img")["digest"] == damaged.digest, "packed anew, it is whole again"
    assert why(site, "img").version.damaged() == []


@pytest.mark.parametrize(
    "made",
    [
        None, [], "x", {"packimage": 3, "genimage": {"by": 7, "t": "soon", "lists": [4, {}], "record": [1]}},
        {"genimage": {"by": "a", "lists": [{"git": {"unknown": "no"}}], "attributes": [], "builder": {"sbkernel": 1}}},
        {"packimage": {"by": "a", "t": 1e30, "lists": 7, "record": {"path": 5, "run": "r"}}},
        {"packimage": {"by": "a", "t": float("nan"), "record": {"path": "a\0b", "run": "r"}}},
        {"packimage": {"record": {"path": "../../etc", "run": "r"}, "by": "\x1b[31m"}, "lock": 1, "sbom": []},
    ],
)  # fmt: skip
def test_odd_provenance_of_another_site_is_shown_as_far_as_it_goes(site: Site, made: Any) -> None:
    version = publish(site, b"a", IMAGE)
    (version.dir / "image.json").write_text(json.dumps({**version.data, "made": made}))
    told = why(site, IMAGE)
    assert "\x1b" not in str(told) and told.record is None and json.dumps(told.as_dict())


@pytest.fixture
def nodes(site: Site) -> list[str]:
    site.change("site", {"clustersite": {"httpport": "8080", "syslogport": "10514", "master": "10.0.0.1"}})
    names = [f"n{number}" for number in range(1, 7)]
    for number, name in enumerate(names):
        site.set("node", name, groups="all", mac=f"52:54:00:00:00:0{number}")
    return names


def test_each_node_leads_to_its_version(site: Site, nodes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    a, b, c = versions(site, IMAGE, "abc")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    nodeset(site, "n3", f"osimage={IMAGE}@{a}")
    rollback(site, IMAGE)
    for node, digest in (("n1", c), ("n2", b), ("n4", "e" * 64), ("n5", b)):
        bootlog.append(site, node, "mounted", t=1.7e9, image=digest)
    bootlog.append(site, "n5", "power-on")
    shutil.rmtree(site.catalog / a)
    found = {row.node: row for row in whatruns(site, "all").rows}
    assert list(found) == nodes and [row.ok for row in found.values()] == [True, True, False, False, False, False]
    assert found["n1"].text.startswith(f"{IMAGE}@{c[:8]} (candidate); reported mounted 2023-11-14 22:13 UTC; packed ")
    assert f"{IMAGE}@{b[:8]} (current)" in found["n2"].text and f"boots {c[:8]} next" in found["n2"].text
    assert "no record" in found["n1"].text and "boots" not in found["n1"].text
    gone = found["n3"]
    assert f"is to boot {a[:8]}: no image {a}" in gone.text and f"it was {IMAGE}@{a[:8]}, packed " in gone.text
    assert f"runs {'e' * 8}: no image" in found["n4"].text and "this catalog never had it" in found["n4"].text
    assert found["n5"].text.startswith("has reported no image since its last power-on") and found["n6"].hint
    status, out, err = sb(site, capsys, "whatruns", "n1,n6")
    assert status == 1 and out.startswith(f"n1: {IMAGE}@{c[:8]} (candidate)") and "sb nodeset n6" in err
    data = json.loads(sb(site, capsys, "whatruns", "n1", "--json")[1])
    assert [(row["digest"], row["standing"], row["reported"]) for row in data] == [(c, "candidate", c)]
    assert list(whatruns(site, "all").df["node"]) == nodes
    with pytest.raises(NotFoundError):
        whatruns(site, "nope")


def test_what_cannot_be_read_of_one_node_hides_no_other(site: Site, nodes: list[str]) -> None:
    [a] = versions(site, IMAGE, "a")
    nodeset(site, "all", f"osimage={IMAGE}")
    (site.log / "boot").mkdir(exist_ok=True)
    (site.log / "boot/n1.jsonl").mkdir()
    (site.log / "boot/n2.jsonl").write_bytes(b'{"t": 1, "stage": "mounted", "image": 7}\n{half')
    write_whole(site.boot / "nodes/n3.ipxe", os.urandom(2000))  # not into the file, which the others have, too
    rows = whatruns(site, "all").rows
    assert [row.ok for row in rows] == [False, False, False, True, True, True]
    assert f"{IMAGE}@{a[:8]} (current candidate); not reported yet" in rows[3].text
