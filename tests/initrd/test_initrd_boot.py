"""Real boots of the initrd, and of each promise that it makes about faults."""

import hashlib
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


def test_refuses_a_tampered_root(boot: Boot, server: BootServer) -> None:
    content = bytearray(server.files[IMAGE])
    published = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 1
    server.files[IMAGE] = bytes(content)
    guest = boot(sbkernel__sha256=published)
    console = guest.wait_for("the node stays here with its power on")
    assert "reason    the root image is not the one that was published" in console
    assert f"expected  sha256 {published}" in console
    assert f"got       sha256 {hashlib.sha256(content).hexdigest()}" in console
    assert server.stages() == ["initrd", "fetched", "failed"]
    assert server.post("failed")["reason"] == "the root image is not the one that was published"
    assert guest.is_on()
    assert "ROOT UP" not in guest.console


def test_goes_on_where_it_was_when_the_server_died_and_came_back(boot: Boot, server: BootServer) -> None:
    server.dies_after = 1_000_000
    guest = boot(sbkernel__retries="10")
    guest.wait_for("bytes so far, try 2 of 10")
    server.come_back()
    guest.wait_for("ROOT DONE")
    first, *rest = [wanted for path, wanted in server.requests if path == IMAGE]
    assert first == ""
    assert [wanted.startswith("bytes=") for wanted in rest] == [True]
    assert 0 < int(rest[0].removeprefix("bytes=").rstrip("-")) <= 1_000_000
    assert server.post("verified")["sha256"] == hashlib.sha256(server.files[IMAGE]).hexdigest()


def test_stages_arrive_in_order_although_the_first_takes_long(boot: Boot, server: BootServer) -> None:
    server.first_post_takes_s = 4
    boot().wait_for("ROOT DONE")
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]


def test_a_tampered_rest_is_found_after_a_resume(boot: Boot, server: BootServer) -> None:
    content = server.files[IMAGE]
    server.dies_after = 1_000_000
    guest = boot(sbkernel__retries="10")
    guest.wait_for("bytes so far, try 2 of 10")
    server.files[IMAGE] = content[:-1] + bytes([content[-1] ^ 1])
    server.come_back()
    assert server.wait_for_stage("failed")["reason"] == "the root image is not the one that was published"


def test_says_what_is_missing_after_a_bounded_number_of_tries(boot: Boot, server: BootServer) -> None:
    missing = "/catalog/abc/nothing"
    guest = boot(imgurl=f"http://10.0.2.2:{server.port}{missing}")
    console = guest.wait_for("the node stays here with its power on")
    assert f"url       http://10.0.2.2:{server.port}{missing}" in console
    assert "404" in console[console.index("problem   ") :].splitlines()[0]
    assert server.post("failed")["reason"] == "the root image could not be fetched"
    assert [path for path, _ in server.requests].count(missing) == 3


def test_refuses_to_come_up_without_its_own_files(boot: Boot, server: BootServer) -> None:
    boot(sbkernel__overlay=f"http://10.0.2.2:{server.port}/boot/nothing.tar", sbkernel__retries="1")
    assert server.wait_for_stage("failed")["reason"] == "the node's own files could not be fetched"


def test_says_that_nobody_answers_dhcp(boot: Boot, server: BootServer) -> None:
    guest = boot(network="hubport,hubid=0,model=virtio-net-pci,mac=52:54:00:12:34:56", sbkernel__linkwait="1")
    console = guest.wait_for("the node stays here with its power on")
    assert "no answer from a DHCP server (try 1 of 1)" in console
    assert "52:54:00:12:34:56" in console[console.index("cards     ") :].splitlines()[0]
    assert server.posts == []


def test_names_the_card_that_no_driver_knows(boot: Boot) -> None:
    console = boot(network="user,model=e1000", sbkernel__nicwait="1").wait_for("the node stays here")
    assert "reason    no network card" in console
    assert "cards     8086:100e" in console


def test_says_how_much_memory_is_missing_before_it_fetches(boot: Boot, server: BootServer) -> None:
    guest = boot(sbkernel__size=str(250 * 1024 * 1024))
    console = guest.wait_for("the node stays here with its power on")
    assert "reason    too little memory for the image" in console
    assert "needed    314 MB: 250 MB for the image, 64 MB to start" in console
    assert server.requests == []
    assert server.post("failed")["reason"] == "too little memory for the image"


def test_refuses_a_command_line_without_a_checksum_and_reboots_if_told(boot: Boot) -> None:
    guest = boot(sbkernel__sha256=None, sbkernel__reboot="1")
    console = guest.wait_for("reboot: Restarting system")
    assert "reason    the kernel command line names no image" in console


def test_boots_past_a_stalled_fetch_a_deaf_server_and_a_wrong_card(boot: Boot, server: BootServer) -> None:
    server.stalls_after = 1_000_000
    server.accepts_posts = False
    guest = boot(BOOTIF="01-52-54-00-00-00-00", sbkernel__nicwait="1", sbkernel__stall="3")
    console = guest.wait_for("ROOT DONE")
    assert "no network card has the address 52:54:00:00:00:00 of BOOTIF; trying those with a link" in console
    assert "nothing came for 3 s" in console
    assert "starting /sbin/init" in console
