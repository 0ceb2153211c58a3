"""A signed erofs with a hash tree boots on a virtual node; what somebody changed of it is refused with a reason."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import until

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
IMAGE = "mycomputeimage"


@pytest.fixture(scope="module")
def version(sb: Sb, first_demo: str) -> Path:
    """The directory of the version that vn1 boots next."""
    sb("keys", "make")
    said = sb("packimage", "-m", "erofs", "--verity", IMAGE)
    digest = next(line.partition(":")[2] for line in said.splitlines() if line.startswith("digest:"))
    sb("nodeset", "vn1", f"osimage={IMAGE}")
    return sb.site / "catalog" / digest


@pytest.fixture
def changed(version: Path) -> Iterator[Callable[[str, int], None]]:
    """Return a function that changes a byte of a file of the version, which is as it was at the end."""
    before: dict[Path, bytes] = {}

    def change(name: str, place: int) -> None:
        file = version / name
        content = before.setdefault(file, file.read_bytes())
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])

    yield change
    for file, content in before.items():
        file.write_bytes(content)


def boot(sb: Sb, stage: str) -> str:
    """Boot the node anew; return its timeline once it has reached a stage."""
    sb("rpower", "vn1", "boot")
    return until(lambda: found if f" {stage} " in f" {(found := sb('nodestat', 'vn1', '--timeline'))} " else "", 400)


def console(sb: Sb) -> str:
    """Return what the console of the node has shown since it was powered on."""
    return (sb.site / "log/consoles/vn1.log").read_text(errors="replace").rpartition("SeaBIOS")[2]


def test_it_boots_and_is_watched(sb: Sb, version: Path) -> None:
    timeline = boot(sb, "userspace")
    key = sb("keys", "ls").split()[-1]
    assert f"signed {key}" in timeline and "verity " in timeline and "failed" not in timeline
    assert "erofs" in sb.ssh("vn1", "grep sbkernel/root /proc/mounts || mount")
    assert sb.ssh("vn1", "systemctl is-active sbkernel-watch.service").strip() == "active"
    said = sb("verify-image", IMAGE)
    assert "root.erofs: root hash " in said and f"signed by site {key}: {IMAGE} signed by " in said


@pytest.mark.parametrize(
    ("name", "place", "reason", "problem"),
    [
        (
            "root.erofs",
            1100,
            "the root image is not the one that was published",
            "dm-verity: data block 0 is corrupted",
        ),
        ("sums", 20, "the signature of the image is wrong", "Signature verification failed"),
    ],
)
def test_what_somebody_changed_is_refused(
    sb: Sb, changed: Callable[[str, int], None], name: str, place: int, reason: str, problem: str
) -> None:
    changed(name, place)
    timeline = boot(sb, "failed")
    assert reason in timeline and "userspace" not in timeline
    shown = until(lambda: text if problem in (text := console(sb)) else "", seen=lambda: console(sb)[-3000:])
    assert f"reason    {reason}" in shown
    assert sb("verify-image", IMAGE, status=1).startswith("Error: ")
