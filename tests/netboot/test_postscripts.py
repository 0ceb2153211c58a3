"""Postscripts: which a node runs and in which order, what is refused, and what nodeset writes for them."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netsite import IMAGE

from sbkernel.definitions.attributes import SITE
from sbkernel.errors import DefinitionError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import overlay
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.postscripts import Script, environment_text, in_order, in_use, list_text, parse
from sbkernel.site import Site


@pytest.fixture
def shelf(site: Site) -> Path:
    """Some scripts, and what must not be served."""
    directory = site.installdir / "postscripts"
    (directory / "hpc").mkdir(parents=True)
    for name in ("mine", "late", "hpc/gpu", "lib.sh"):
        (directory / name).write_text(f"echo {name}\n")
    (directory / "secret").write_text("hush\n")
    (directory / "secret").chmod(0o640)
    (directory / "out").symlink_to("/etc/passwd")
    (directory / ".hidden").write_text("hush\n")
    site.authorize("")
    return directory


def files(site: Site, node: str = "n1") -> dict[str, bytes]:
    with tarfile.open(site.boot / f"nodes/{node}.overlay.tar") as tar:
        return {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]


def test_the_order_is_that_of_xcat() -> None:
    scripts = in_order(("a,b -x 1", "c,a", "b, b -x 1,d"), ("late", "later"))
    found = [(one.kind, one.name, *one.arguments) for one in scripts]
    assert found == [
        ("postscript", "a"), ("postscript", "b", "-x", "1"), ("postscript", "c"), ("postscript", "b"),
        ("postscript", "d"), ("postbootscript", "late"), ("postbootscript", "later"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["../x", "/bin/sh", ".x", "a/../b", "a//b", "$(x)", "_ssh/authorized_keys", "-x", "a/"]
)
def test_only_names_inside_the_directory_are_names(name: str) -> None:
    with pytest.raises(DefinitionError, match="is no name of a postscript"):
        parse(name)


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z.+-]{0,9}", fullmatch=True), st.text(min_size=1, max_size=9))))
def test_no_argument_is_read_by_the_shell(calls: list[tuple[str, str]]) -> None:
    scripts = [Script("postscript", name, (word,)) for name, word in calls if word.isprintable()]
    text = "run_script() { printf '%s\\0' \"$@\"; }\n" + list_text(scripts) + "all_scripts\n"
    words = subprocess.run(["sh"], input=text.encode(), capture_output=True, check=True).stdout.split(b"\0")[:-1]
    assert words == [word.encode() for one in scripts for word in (one.kind, one.name, *one.arguments)]
    values = {"A": "".join(word for _, word in calls).replace("\0", "")}
    shown = subprocess.run(
        ["sh", "-c", f"{environment_text(values)}printf %s \"$A\""], capture_output=True, check=True
    ).stdout  # fmt: skip
    assert shown == values["A"].encode()


def test_a_node_without_scripts_of_its_own_has_nothing_of_it(
    site: Site, version: ImageVersion, nodes: list[str], shelf: Path
) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    assert "syslog" in (site.store.get("group", "xcatdefaults") or {})["postscripts"]
    assert not [name for name in files(site) if "postscripts" in name]
    assert not (site.boot / "postscripts").exists()


def test_what_nodeset_writes(site: Site, version: ImageVersion, nodes: list[str], shelf: Path) -> None:
    site.set("osimage", IMAGE, postscripts="hpc/gpu --all", environvar="tune=a b")
    site.set("node", "n1", postscripts="mine", postbootscripts="late", **{"nicips.ib0": "10.1.0.1"})
    site.set("site", SITE, domain="lab")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")["n1"]
    found = files(site)
    assert set(found) <= overlay.paths()
    listed = found["usr/lib/sbkernel/postscripts/list"].decode()
    calls = [line.strip() for line in listed.splitlines() if line.startswith("run_script")]
    assert calls == [
        "run_script postscript hpc/gpu --all", "run_script postscript mine", "run_script postbootscript late",
    ]  # fmt: skip
    (bundle,) = (site.boot / "postscripts").iterdir()
    assert f"url=http://10.0.0.1:8080/boot/postscripts/{bundle.name}\n" in listed and bundle.stem in listed
    with tarfile.open(bundle) as tar:
        assert tar.getnames() == ["hpc/gpu", "late", "lib.sh", "mine"], "neither keys, links out nor closed files"
    shell = (
        found["usr/lib/sbkernel/postscripts/environment"].decode() + 'echo "$NODE|$MASTER|$OSVER|$DOMAIN|$tune|$NICIPS"'
    )
    shown = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    assert shown == "n1|10.0.0.1|debian12|lab|a b|ib0!10.1.0.1\n"
    assert b"10.0.2.2" in files(site, "n2")["usr/lib/sbkernel/postscripts/list"]
    before = {path: path.stat().st_mtime_ns for path in site.boot.rglob("*") if path.is_file()}
    nodeset(site, "n1,n2", f"osimage={IMAGE}")["n1"]
    assert {path: path.stat().st_mtime_ns for path in site.boot.rglob("*") if path.is_file()} == before
    used = in_use(path.read_bytes() for path in site.boot.glob("nodes/*.overlay.tar"))
    assert used == {f"postscripts/{bundle.name}"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none", r"postscript none does NOT exist in .*\n  there are: gpu late lib.sh mine"),
        ("hpc", "postscript hpc does NOT exist"),
        ("secret", "closed to others on this host.*\n  chmod o\\+r .*synclist"),
        ("out", "is a link that leads out"),
        ("../../etc/passwd", "is no name"),
    ],
)
def test_what_cannot_run_is_said_before_anything_is_written(
    site: Site, version: ImageVersion, nodes: list[str], shelf: Path, name: str, why: str
) -> None:
    site.set("node", "n1", postscripts=f"mine,{name}")
    done = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert list(done.errors) == ["n1"] and list(done) == ["n2"]
    with pytest.raises(Exception, match=why):
        done["n1"]
    assert not (site.boot / "nodes/n1.ipxe").exists()


def test_the_scripts_of_a_site_are_no_store_of_data(
    site: Site, version: ImageVersion, nodes: list[str], shelf: Path
) -> None:
    os.truncate(shelf / "lib.sh", 65 << 20)
    site.set("node", "n1", postscripts="mine")
    with pytest.raises(Exception, match="holds 65 MB, and every node fetches all of it"):
        nodeset(site, "n1", f"osimage={IMAGE}")["n1"]


def test_a_version_that_keeps_files_for_boot_lets_the_node_ask_for_them(
    site: Site, nodes: list[str], shelf: Path
) -> None:
    import smallimage

    kept = [{"clause": "", "sources": ["/a"], "destination": "/b", "noderange": "n1", "line": "l:1"}]
    smallimage.publish(site, b"root", IMAGE, syncfiles=kept)
    nodeset(site, "n1,n2", f"osimage={IMAGE}")["n1"]
    listed = files(site)["usr/lib/sbkernel/postscripts/list"].decode()
    assert "run_script postscript syncfiles\n" in listed and "url=''" in listed
    assert not [name for name in files(site, "n2") if "postscripts" in name], "nothing is kept for n2"
    site.set("group", "xcatdefaults", postscripts="syslog")
    nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    assert not [name for name in files(site) if "postscripts" in name], "who takes syncfiles away gets no files"


def test_the_runner_is_plain_shell() -> None:
    with tarfile.open(fileobj=io.BytesIO(overlay.running_scripts() + bytes(1024))) as tar:
        text = tar.extractfile("usr/lib/sbkernel/postscripts/run").read()  # type: ignore[union-attr]
    for shell in (["dash", "-n"], ["busybox", "sh", "-n"]):
        subprocess.run(shell, input=text, check=True, capture_output=True)
