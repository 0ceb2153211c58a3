"""Real boots of the initrd, and of each promise that it makes about faults."""

import io
import tarfile
from collections.abc import Callable

import pytest
from bootserver import BootServer
from guest import Guest

pytestmark = pytest.mark.e2e
Boot = Callable[..., Guest]
IMAGE = "/catalog/abc/root.squashfs"


def overlay(files: dict[str, tuple[str, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (text, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), mode
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_boots_into_the_root_with_what_the_node_has_of_its_own(boot: Boot, server: BootServer) -> None:
    server.files["/boot/n1.tar"] = overlay(
        {
            "etc/hostname": ("n1\n", 0o644),
            "root/.ssh/authorized_keys": ("key\n", 0o600),
            "run/sbkernel/root-password": ("$6$salt$a/b\\1&", 0o600),
        }
    )
    guest = boot(sbkernel__overlay=f"http://10.0.2.2:{server.port}/boot/n1.tar")
    console = guest.wait_for("ROOT DONE")
    assert "ROOT UP hostname=n1 marker=from-the-image" in console
    assert "ROOT SHADOW root:$6$salt$a/b\\1&:19000" in console
    assert "ROOT MODE 600" in console
    assert f"ROOT BOOT node=n1 server=10.0.2.2:{server.port} image=abc  tools=works" in console
    assert "ROOT NIC down addresses=0" in console
    assert "ROOT WRITABLE written" in console
    assert "ROOT LEAK" not in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]
    assert server.post("fetched")["bytes"] == str(len(server.files[IMAGE]))
    assert float(server.post("initrd")["at"]) < float(server.post("initrd")["uptime"])
    assert [request for request in server.requests if request[0] == IMAGE] == [(IMAGE, "")]
