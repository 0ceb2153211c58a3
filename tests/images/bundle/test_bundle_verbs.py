"""sb export-image and sb import-image as they are typed, killed, and on a full disk."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import IMAGE, Sites, define, everything, killed, lines_of
from smallimage import leftovers, publish
from waiting import until

from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog import removing
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.jobs.run import run
from sbkernel.site import Site


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    with Site.open(tmp_path / "here") as here, Site.open(tmp_path / "there") as there:
        define(here)
        yield Sites(here, there)


def sb(site: Site, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "sbkernel.cli", "--site", site.root, *words]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True)


def test_as_they_are_typed(sites: Sites, tmp_path: Path) -> None:
    digest = sites.version.digest
    done = sb(sites.here, "export-image", IMAGE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    name = f"{IMAGE}-{digest[:8]}.tar"
    assert f"{tmp_path / name}: " in done.stdout
    assert "note: pkgdir: the password in an address is left out" in done.stdout
    done = sb(sites.there, "import-image", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"digest:{digest}" in done.stdout
    assert f"nothing was promoted yet. sb promote {IMAGE}" in done.stdout
    assert "copy the image" in done.stderr
    done = sb(sites.there, "import-image", "--promote", name, cwd=tmp_path)
    assert "It is here already." in done.stdout
    assert "candidate" not in done.stdout
    done = sb(sites.there, "import-image", "--as", "two", name, cwd=tmp_path)
    assert f"digest before it got another name:{digest}" in done.stdout
    sites.there.set("osimage", IMAGE, addkcmdline="debug")
    done = sb(sites.there, "import-image", name, cwd=tmp_path)
    assert done.returncode == 1
    assert "Error: import-image: osimage lab is here already, and differs" in done.stderr


def test_import_killed_anywhere(sites: Sites, tmp_path: Path) -> None:
    """At no line is a version there in part, or a list half written; the next import makes it whole."""
    assert sites.version
    bundle = Path(export_image(sites.here, IMAGE, tmp_path / "lab.tar")["file"])
    with Site.open(tmp_path / "count") as site:
        lines = lines_of("import_image", site, bundle, bundle)
    lists = {path: data for path, data in everything(sites.here).items() if path.startswith("install/custom")}
    random.seed(str(bundle))
    for at in sorted(random.sample(range(1, lines), 6)):
        with Site.open(tmp_path / f"at{at}") as site:
            assert killed("import_image", site, bundle, bundle, at).returncode == -9
            for version in Catalog(site).versions():
                assert version.damaged() == []
            for path in everything(site):
                assert not path.startswith("install/custom") or "/." in path or path in lists, path
            if IMAGE in site.osimages:
                assert Path(site.osimages[IMAGE].get("pkglist")).is_file()
            removing.sweep(Catalog(site))
            assert leftovers(site.catalog) == []
            import_image(site, bundle)
            assert import_image(site, bundle)["laid"] == []
            assert Catalog(site).find(f"{IMAGE}@candidate").damaged() == []


def test_export_killed_anywhere(sites: Sites, tmp_path: Path) -> None:
    """The file is the old one or the new one, and nothing else is left."""
    assert sites.version
    place = tmp_path / "place"
    place.mkdir()
    new = Path(export_image(sites.here, IMAGE, tmp_path / "new.tar")["file"]).read_bytes()
    target = place / "lab.tar"
    lines = lines_of("export_image", sites.here, IMAGE, target)
    random.seed(str(tmp_path))
    for at in random.sample(range(1, lines), 6):
        target.write_bytes(b"old")
        assert killed("export_image", sites.here, IMAGE, target, at).returncode == -9
        assert target.read_bytes() in (b"old", new)
        # Between two lines of files.growing() the whole new file has a second name.
        assert {path.name for path in place.iterdir()} <= {"lab.tar", ".lab.tar.new"}
    export_image(sites.here, IMAGE, target)
    assert [path.name for path in place.iterdir()] == ["lab.tar"]


def test_a_full_disk_is_said(sites: Sites, tmp_path: Path) -> None:
    """With a disk of its own that is too small for either verb."""
    publish(sites.here, random.randbytes(6 << 20), IMAGE)
    bundle = Path(export_image(sites.here, IMAGE, tmp_path / "lab.tar")["file"])
    (tmp_path / "disk").mkdir()
    script = (
        'mount -t tmpfs -o size=4m none "$1" && cd "$1" && shift && for verb in export import; do "$@" $verb; done; '
        "find . -type f -size +1M"
    )
    verb = f"{sys.executable} -P -m sbkernel.cli --site"
    each = (
        f"case $1 in export) {verb} {sites.here.root} export-image {IMAGE} lab.tar;; "
        f"import) {verb} $PWD/site import-image {bundle};; esac"
    )
    said: list[str] = []
    done = run(
        ["sh", "-c", script, "sh", tmp_path / "disk", "sh", "-c", each, "each"], isolated=True, on_line=said.append
    )
    assert f"export {IMAGE}: no space left on the disk of" in "\n".join(said)
    assert re.search(r"the files of the image take \d+ MB, and \d+ MB are free", "\n".join(said))
    assert done.stdout == "", "nothing large is left"


def test_two_imports_at_once(sites: Sites, tmp_path: Path) -> None:
    publish(sites.here, random.randbytes(4 << 20), IMAGE)
    bundle = Path(export_image(sites.here, IMAGE, tmp_path / "lab.tar")["file"])
    argv = [sys.executable, "-P", "-m", "sbkernel.cli", "--site", sites.there.root, "import-image", bundle]
    running = [subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    until(lambda: all(one.poll() is not None for one in running))
    for one in running:
        assert one.returncode == 0, one.communicate()[1]
    assert len(Catalog(sites.there).versions()) == 1
    assert leftovers(sites.there.catalog) == []


@pytest.mark.parametrize("verb", ["import-image", "imgimport"])
def test_what_is_no_file_is_not_waited_for(verb: str, sites: Sites, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    for name, said in (("pipe", "is no regular file"), ("/dev/zero", "is no regular file"), ("empty", "is no bundle")):
        done = sb(sites.there, verb, name, cwd=tmp_path)
        assert done.returncode == 1 and said in done.stderr, done
    assert Catalog(sites.there).versions() == []


def test_a_bundle_is_no_stream(sites: Sites, tmp_path: Path) -> None:
    assert sites.version
    for words in (("export-image", IMAGE, "-"), ("import-image", "-"), ("imgimport", "-")):
        done = sb(sites.here, *words, cwd=tmp_path)
        assert done.returncode == 2 and "a bundle is a file: - is none" in done.stderr
    os.mkfifo(tmp_path / "pipe")
    done = sb(sites.here, "export-image", IMAGE, "pipe", cwd=tmp_path)
    assert done.returncode == 1 and "cannot be written: it is no regular file" in done.stderr
    done = sb(sites.here, "imgexport", IMAGE, "-e", "pipe:/install/custom", cwd=tmp_path)
    assert done.returncode == 1 and "Can not find Extra file" in done.stderr
    done = sb(sites.here, "imgexport", IMAGE, "-e", ":/install/custom", cwd=tmp_path)
    assert done.returncode == 2 and "-e takes FILE:DIRECTORY" in done.stderr
    assert (tmp_path / "pipe").is_fifo()
