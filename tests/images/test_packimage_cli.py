"""sb packimage prints in xCAT's order and refuses in xCAT's words."""

import subprocess
import sys
from pathlib import Path

import pytest
from test_packimage import INITRD

from sbkernel import __version__
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    built = tmp_path / "built"
    (built / "rootimg/etc").mkdir(parents=True)
    (built / "kernel").touch()
    (built / "initrd-stateless.gz").write_bytes(INITRD)
    site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
             imagetype="linux", rootimgdir=str(built), pkglist="/dev/null")  # fmt: skip
    return site


def packimage(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from sbkernel.cli.main import main; main(sys.argv[1:])"
    argv = [sys.executable, "-c", code, "--site", str(site.root), "packimage", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120)


def test_output_comes_in_order(site: Site, tmp_path: Path) -> None:
    first = packimage(site, "img")
    digest = Catalog(site).current("img").digest
    lines = first.stdout.splitlines()
    assert lines[:3] == [f"Packing contents of {tmp_path}/built/rootimg", "archive method:squashfs", f"digest:{digest}"]
    assert lines[3].startswith("size:4096 bytes") and "pack" in first.stderr
    second = packimage(site, "img")
    assert "Nothing has changed since it was packed." in second.stdout and digest in second.stdout
    assert " run " not in packimage(site, "--dry-run", "img").stdout
    assert " cached " not in packimage(site, "--dry-run", "--force", "img").stdout


def test_the_compression_of_an_archive_is_said_too(site: Site, tmp_path: Path) -> None:
    done = packimage(site, "-m", "cpio", "-c", "pigz", "img")
    assert done.stdout.splitlines()[:3] == [
        f"Packing contents of {tmp_path}/built/rootimg", "archive method:cpio", "compress method:pigz",
    ]  # fmt: skip
    assert Catalog(site).current("img").root.name == "root.cpio.gz"
    assert "Nothing has changed since it was packed." in packimage(site, "-m", "cpio", "-c", "pigz", "img").stdout


def test_a_layer_is_said_with_what_it_lies_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / "built/initrd-stateless.gz").write_bytes(INITRD + b"lib/sbkernel/layers.sh\0")
    (tmp_path / "built/rootimg/etc/large").write_bytes(bytes(99))
    assert "Packed flat: " not in packimage(site, "img", "--flat").stdout
    (tmp_path / "built/rootimg/etc/small").touch()
    plan = packimage(site, "img", "--layered", "--dry-run").stdout
    assert (
        "list the content" in plan and f"over {Catalog(site).current('img').digest[:8]} if little has changed" in plan
    )
    assert "size:4096 over 4096 bytes, 0 packages\n" in packimage(site, "img", "--layered").stdout
    assert "Nothing has changed since it was packed." in packimage(site, "img", "--layered").stdout


def test_what_cpio_does_not_keep_is_said_in_the_plan_and_when_it_is_packed(site: Site, tmp_path: Path) -> None:
    ping = tmp_path / "built/rootimg/etc/ping"
    ping.touch()
    subprocess.run(["setcap", "cap_net_raw+ep", ping], check=True)
    said = "cpio keeps no capabilities: /etc/ping; squashfs, erofs and tar do"
    assert said in packimage(site, "-m", "cpio", "--dry-run", "img").stdout
    for _ in range(2):
        assert f"warning: {said}\n" in packimage(site, "-m", "cpio", "img").stderr
    assert "warning" not in packimage(site, "-m", "tar", "img").stderr


def test_its_version_and_what_its_programs_wrote(site: Site) -> None:
    assert packimage(site, "-v").stdout == f"packimage - Version {__version__}\n"
    quiet, said = packimage(site, "img"), packimage(site, "-V", "--force", "img")
    assert "of files, of which" in said.stderr and "of files, of which" not in quiet.stderr
    assert said.stdout.splitlines()[:2] == quiet.stdout.splitlines()[:2]


def test_an_image_that_there_is_not_is_said_as_by_genimage(site: Site) -> None:
    assert packimage(site, "imgs").stderr == (
        "Error: Cannot find image 'imgs' from the osimage table.\n  Did you mean img?\n"
    )


def test_a_candidate_that_nodes_do_not_boot_is_said(site: Site, tmp_path: Path) -> None:
    catalog = Catalog(site)
    for name in ("a", "b"):
        (tmp_path / "built/rootimg/etc" / name).touch()
        packimage(site, "img")
    held = catalog.rollback("img").digest
    (tmp_path / "built/rootimg/etc/c").touch()
    done = packimage(site, "img")
    said = f"This is the candidate, not what nodes boot: it stays at {held[:8]}. sb promote img"
    assert (done.returncode, said in done.stdout.splitlines()) == (0, True)
    catalog.promote("img")
    assert "This is the candidate" not in packimage(site, "img").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-m", "cpio", "-c", "lz4", "img"], "Invalid compress method 'lz4' requested"),
        (["-m", "tar", "--block-size", "1M", "img"], "tar has no blocks"),
        (["-m", "zip", "img"], "Invalid archive method 'zip' requested"),
        (["-c", "pigz", "img"], "Invalid compress method 'pigz' requested"),
        (["-o", "rhels9", "img"], "-o, -p and -a options are obsoleted"),
        (["nope"], "Cannot find image 'nope' from the osimage table."),
    ],
)
def test_refusals(site: Site, words: list[str], message: str) -> None:
    done = packimage(site, *words)
    assert done.returncode == 1 and message in done.stderr and done.stdout == ""
