"""Real boots of a root that is an archive: it is verified, then unpacked into memory by programs of the image."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest

from sbkernel.images.initrd.programs import add_programs, programs_for
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import format_for
from sbkernel.jobs.report import NullReport

pytestmark = pytest.mark.e2e
Boot = Callable[..., Guest]


@pytest.fixture(scope="module")
def archive(root_tree: Path, initrd: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """The root as tar, the initrd with what unpacks it, and the bytes of memory that this takes."""
    place = tmp_path_factory.mktemp("archive")
    packed = format_for(PackOptions("tar"))
    content = content_of(root_tree, exclude=[], include=[])
    packed.pack(content, place / packed.file_name, NullReport())
    add_programs(initrd, programs_for(packed.node_programs, root_tree), place / "initrd")
    return place / packed.file_name, place / "initrd", content.survey.unpacked


@pytest.fixture
def unpacking(kernel: Path, archive: tuple[Path, Path, int], server: BootServer) -> Iterator[Boot]:
    """Return a function that boots a guest from the archive."""
    guests: list[Guest] = []
    file, initrd, unpacked = archive
    url = f"/catalog/abc/{file.name}"
    server.files[url] = file.read_bytes()

    def start(**changes: str) -> Guest:
        facts = {
            "imgurl": f"http://10.0.2.2:{server.port}{url}",
            "sbkernel.sha256": hashlib.sha256(server.files[url]).hexdigest(),
            "sbkernel.size": str(len(server.files[url])),
            "sbkernel.unpacked": str(unpacked),
        }
        line = command_line(server, **{**facts, **changes})
        guests.append(Guest.from_files(kernel, initrd, line, memory_mb=256, network=None))
        return guests[-1]

    yield start
    for guest in guests:
        guest.stop()


def test_boots_from_a_tar_in_memory(unpacking: Boot, server: BootServer) -> None:
    console = unpacking().wait_for("ROOT DONE")
    assert "ROOT UP hostname=nobody marker=from-the-image" in console
    assert "ROOT WRITABLE written" in console
    assert "unpacking to /newroot, at most " in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]


def test_says_that_the_root_has_no_room(unpacking: Boot, server: BootServer) -> None:
    console = unpacking(rootlimit="2m").wait_for("the node stays here with its power on")
    assert "reason    the root image cannot be unpacked" in console
    assert "No space left on device" in console[console.index("problem   ") :].splitlines()[0]
    assert "free in the root" in console
    assert server.post("failed")["reason"] == "the root image cannot be unpacked"
