"""A root that is read from a web server on demand: real boots, and what nbdkit says while the server is not there."""

import hashlib
import random
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest
from packedroot import initrd_for, packed
from waiting import until

from sbkernel.images.initrd.programs import LOADER, programs_for
from sbkernel.images.initrd.rootkinds import KINDS

pytestmark = pytest.mark.e2e
SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "initrd"
# Reads a part, waits until the server is gone, and reads the other.
LATER = """#!/bin/busybox sh
/bin/busybox --install -s /bin
PATH=/bin
exec >/dev/console 2>&1
echo "ROOT READ $(sha256sum /part.0)"
while wget -q -O /dev/null "http://$(sed -n 's/^server=//p' /run/sbkernel/boot)/here"; do usleep 200000; done
echo "ROOT ALONE"
echo "ROOT READ $(sha256sum /part.1)"
echo "ROOT DONE"
poweroff -f
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lazy")


@pytest.fixture(scope="module")
def reading(kernel_tree: Path, kernelver: str, place: Path) -> Path:
    """An initrd for that kind."""
    return initrd_for(["lazy"], kernel_tree, kernelver, place)


@pytest.fixture(scope="module")
def parts() -> list[bytes]:
    """Contents that nothing can pack, each larger than what is read ahead."""
    return [random.Random(number).randbytes(1 << 20) for number in (0, 1)]


@pytest.fixture(scope="module")
def roots(root_tree: Path, place: Path, parts: list[bytes]) -> list[tuple[bytes, str]]:
    """A root, and a layer with those contents, each with its root hash."""
    (place / "layer/sbin").mkdir(parents=True)
    for number, part in enumerate(parts):
        (place / f"layer/part.{number}").write_bytes(part)
    (place / "layer/sbin/later").write_text(LATER)
    (place / "layer/sbin/later").chmod(0o755)
    return [packed(one, place / f"{one.name}.squashfs") for one in (root_tree, place / "layer")]


Boot = Callable[..., Guest]


@pytest.fixture
def start(kernel: Path, reading: Path, server: BootServer, roots: list[tuple[bytes, str]]) -> Iterator[Boot]:
    """Return a function that boots a guest from that root; `wrong` is a byte of the layer that somebody changed."""
    guests: list[Guest] = []
    (root, root_hash), (layer, layer_hash) = roots
    sha256 = hashlib.sha256(layer).hexdigest()

    def boot(*, wrong: int | None = None, **changes: str | None) -> Guest:
        content = bytearray(layer)
        if wrong is not None:
            content[wrong] ^= 1
        server.files |= {"/catalog/abc/root.squashfs": root, f"/catalog/abc/{sha256}.squashfs": bytes(content)}
        facts: dict[str, str | None] = {
            "sbkernel__root": "lazy",
            "sbkernel__verity": root_hash,
            "sbkernel__layer": f"layer.squashfs,{len(layer)},{sha256},{layer_hash}",
        }
        line = command_line(server, **{**facts, **changes})
        guests.append(Guest.from_files(kernel, reading, line, memory_mb=256, network=None))
        return guests[-1]

    yield boot
    for guest in guests:
        guest.stop()


def test_a_root_waits_for_a_server_that_is_away(start: Boot, server: BootServer, parts: list[bytes]) -> None:
    server.files["/here"] = b""
    server.down()
    guest = start(init="/sbin/later", sbkernel__retries="50")
    guest.wait_for("; try 2 of 50 in 1 s")
    server.come_back()
    guest.wait_for(f"ROOT READ {hashlib.sha256(parts[0]).hexdigest()}")
    server.down()
    guest.wait_for("ROOT ALONE")
    guest.wait_for("does not answer: ")
    assert "What is read of the root waits for it" in guest.console and "ROOT DONE" not in guest.console
    server.come_back()
    console = guest.wait_for("ROOT DONE")
    assert "answers again after " in guest.wait_for("answers again after ")
    assert f"ROOT READ {hashlib.sha256(parts[1]).hexdigest()}" in console and "I/O error" not in console
    assert int(server.post("fetched")["bytes"]) < 1 << 20
    asked = [(path, wanted) for path, wanted in server.requests if path.startswith("/catalog") and wanted]
    assert len(asked) == len(set(asked)), "what was read is not asked for again"


def test_a_wrong_block_is_refused(start: Boot, server: BootServer) -> None:
    console = start(wrong=8).wait_for("the node stays here with its power on")
    reason = "layer 1 of 1 over the root is not the one that was published"
    assert f"reason    {reason}" in console and "problem   dm-verity: data block 0 is corrupted" in console
    assert server.post("failed")["reason"] == reason


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A root of the programs, as lazy.sh lays it out, with a file as the log of the kernel."""
    place = tmp_path / "lazy"
    for name in ("bin", "dev", "programs"):
        (place / name).mkdir(parents=True)
    for one in programs_for(KINDS["lazy"].programs, Path("/nonexistent")):
        loader = [(f"{one.name}{LOADER}", one.loader)] if one.loader else []
        for name, file in ((one.name, one.file), *one.libraries, *loader):
            shutil.copy(file, place / "programs" / name)
    shutil.copy("/usr/bin/busybox", place / "bin/busybox")
    shutil.copy(SCRIPTS / "lazylog.sh", place)
    (place / "dev/kmsg").touch()
    subprocess.run(["mknod", place / "dev/null", "c", "1", "3"], check=True)
    return place


@pytest.fixture
def serve(programs: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that starts nbdkit for a URL, and returns its root."""
    started: list[subprocess.Popen[bytes]] = []

    def run(url: str) -> Path:
        subprocess.run(["mkfifo", programs / "root.said"], check=True)
        started.append(
            subprocess.Popen(
                ["chroot", programs, "/bin/busybox", "sh", "/lazylog.sh", "root", url], start_new_session=True
            )
        )
        until(lambda: (programs / "root.up").exists())
        return programs

    yield run
    for one in started:
        subprocess.run(["pkill", "-KILL", "--session", str(one.pid)], check=False)
        one.wait()


def connected(programs: Path) -> socket.socket | None:
    """Connect as a client of NBD; return None if the server of the file is refused."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(programs / "root.socket"))
    client.recv(18, socket.MSG_WAITALL)
    client.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 1, 0))
    return client if len(client.recv(10, socket.MSG_WAITALL)) == 10 else None


def read(client: socket.socket, start: int, size: int) -> bytes:
    client.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, start, size))
    answer = client.recv(16 + size, socket.MSG_WAITALL)
    assert struct.unpack(">II", answer[:8]) == (0x67446698, 0)
    return answer[16:]


@pytest.mark.parametrize(
    ("name", "ranges", "problem"),
    [("root", False, "server does not support 'range' (byte range) requests"), ("other", True, "404")],
)
def test_why_a_server_is_no_good_is_said(
    serve: Callable[[str], Path], server: BootServer, name: str, ranges: bool, problem: str
) -> None:
    server.has_ranges = ranges
    programs = serve(f"http://127.0.0.1:{server.port}/catalog/abc/{name}.squashfs")
    assert connected(programs) is None
    said = programs / "root.problem"
    until(lambda: said.exists() and problem in said.read_text(), seen=lambda: said.exists() and said.read_text())


def test_the_log_says_once_that_reads_wait_and_once_that_they_go_on(
    serve: Callable[[str], Path], server: BootServer, root_image: bytes
) -> None:
    url = f"http://127.0.0.1:{server.port}/catalog/abc/root.squashfs"
    programs = serve(url)
    client = connected(programs)
    assert client is not None and read(client, 4096, 8192) == root_image[4096:12288]
    (programs / "connected").touch()
    log = (programs / "dev/kmsg").read_text
    server.down()
    client.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 4096))
    until(lambda: "does not answer" in log())
    server.come_back()
    assert client.recv(16 + 4096, socket.MSG_WAITALL)[16:] == root_image[:4096]
    until(lambda: "answers again" in log())
    assert [line.partition(url)[0] for line in log().splitlines()] == ["<3>sbkernel: "] * 2
