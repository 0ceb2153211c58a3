"""A build host that sends other things than what was built: none of it lands outside of where it is unpacked."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sbkernel.errors import BuildError
from sbkernel.images.elsewhere import genimage as elsewhere
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.launchers.relay import Keep, Relayed
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report
from sbkernel.site import Site

Sends = Callable[[Callable[[str, bytes], None]], None]


class Hostile(Relayed):
    """A place that answers the look as it should, and then sends what it likes."""

    def __init__(self, sends: Sends) -> None:
        self._sends = sends

    def carry_out(self, order: Order, inputs: Blobs, report: Report, keep: Keep) -> Mapping[str, Any]:
        if order.target.endswith(":build"):
            self._sends(lambda name, data: keep(name, hashlib.sha256(data).hexdigest(), len(data), io.BytesIO(data)))
        return {"missing": [], "apart": [], "host": "evil"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "mine.pkglist").write_text("linux-image-amd64\n")
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in ("Packages", "x.deb"):
        (packages / name).touch()
    with Site.open(tmp_path / "site") as site:
        site.set(
            "osimage", "mine", imagetype="linux", provmethod="netboot", osvers="debian12", osarch="x86_64",
            profile="mine", pkglist=f"{tmp_path}/mine.pkglist", pkgdir=str(packages), rootimgdir=f"{tmp_path}/mine",
        )  # fmt: skip
        yield site


def build(site: Site, monkeypatch: pytest.MonkeyPatch, sends: Sends) -> None:
    monkeypatch.setattr(elsewhere, "launcher_named", lambda _: Hostile(sends))
    elsewhere.genimage_on(site, "mine", on="evil")


def archive(*members: tuple[str, str]) -> bytes:
    """Return a tar of names, each with where it leads or its text (if it begins with a blank)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, what in members:
            one = tarfile.TarInfo(name)
            text = what.encode()
            if not what.startswith(" "):
                one.type, one.linkname, text = tarfile.SYMTYPE, what, b""
            one.size = len(text)
            tar.addfile(one, io.BytesIO(text))
    return subprocess.run(["zstd", "-q"], input=packed.getvalue(), capture_output=True, check=True).stdout


def test_a_link_sent_as_the_tree_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(BuildError, match="evil sent a link as the root tree"):
        build(site, monkeypatch, lambda send: send("rootimg", archive(("rootimg", str(outside)))))
    assert not (tmp_path / "mine/rootimg").exists() and not (tmp_path / "mine/.new").exists()


def test_what_is_sent_twice_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def twice(send: Callable[[str, bytes], None]) -> None:
        send("rootimg", archive(("rootimg/link", str(outside))))
        send("rootimg", archive(("rootimg/link/file", " theirs")))

    with pytest.raises(BuildError, match="evil sent rootimg twice"):
        build(site, monkeypatch, twice)
    assert list(outside.iterdir()) == []


def test_only_parts_of_an_image_are_taken(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"evil sent '../../cron', which is no part of an image"):
        build(site, monkeypatch, lambda send: send("../../cron", b"* * * * * root true"))
    assert not (tmp_path / "mine/.new").exists()
