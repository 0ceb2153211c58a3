"""A signed erofs with a hash tree that another site has packed and exported boots on a virtual node.

What somebody changed of it is refused with a reason.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import until

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
IMAGE = "mycomputeimage"
STILL_S = 240.0


TREE = ("imagetype", "osvers", "osarch", "profile", "provmethod", "pkglist", "exlist", "rootimgdir")


@pytest.fixture(scope="module")
def factory(sb: Sb, first_demo: str, tmp_path_factory: pytest.TempPathFactory) -> Sb:
    """Another site, with a key, that packs what the first one has built."""
    site = Sb(tmp_path_factory.mktemp("factory") / "site")
    site("keys", "make")
    values = {key: sb.attribute("osimage", IMAGE, key) for key in TREE}
    site("mkdef", "-t", "osimage", "-o", IMAGE, *(f"{key}={value}" for key, value in values.items() if value))
    return site


@pytest.fixture(scope="module")
def key(sb: Sb, factory: Sb) -> str:
    """The id of the key of that site, which the first one believes."""
    public = factory.site / "public"
    public.write_text(factory("keys", "show"))
    return sb("keys", "add", "factory", str(public)).split()[-1]


@pytest.fixture(scope="module")
def version(sb: Sb, factory: Sb, key: str) -> Path:
    """The directory of the version that vn1 boots next: it comes from the other site as a bundle."""
    factory("packimage", "-m", "erofs", "--verity", IMAGE)
    bundle = factory.site / "exported.tar"
    factory("export-image", IMAGE, str(bundle))
    said = sb("import-image", "--keep", "--promote", str(bundle))
    bundle.unlink()
    assert f"version, definition and lists were signed by factory {key}: {IMAGE} exported by " in said
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
    """Boot the node anew; return its timeline once it has reached a stage.

    Once in some hundred boots QEMU without KVM stands still: a processor of two waits for the other while the kernel
    starts. That is no finding, and it is powered on once more.
    """
    sb("rpower", "vn1", "boot")
    found = _reached(sb, stage, unless=lambda: _stands_still(sb))
    if not found and _stands_still(sb):
        sb("rpower", "vn1", "boot")
        found = _reached(sb, stage)
    assert found, _shown(sb)
    return found


def _reached(sb: Sb, stage: str, unless: Callable[[], bool] = lambda: False) -> str:
    """Return the timeline once it has reached a stage; "" when it cannot come any more."""
    found = until(
        lambda: said if _over(said := _timeline(sb), stage) or unless() else "", 900, every_s=1, seen=lambda: _shown(sb)
    )
    return found if f" {stage} " in found else ""


def _over(timeline: str, stage: str) -> bool:
    return f" {stage} " in timeline or " failed " in timeline


def _stands_still(sb: Sb) -> bool:
    """Tell whether the kernel has begun and said nothing for a long time, before our initrd is there."""
    quiet_s = time.time() - (sb.site / "log/consoles/vn1.log").stat().st_mtime
    return quiet_s > STILL_S and " kernel " in (timeline := _timeline(sb)) and " initrd " not in timeline


def _shown(sb: Sb) -> str:
    return f"{_timeline(sb)}\n{console(sb)[-5000:]}"


def _timeline(sb: Sb) -> str:
    return sb("nodestat", "vn1", "--timeline")


def console(sb: Sb) -> str:
    """Return what the console of the node has shown since it was powered on."""
    return (sb.site / "log/consoles/vn1.log").read_text(errors="replace").rpartition("SeaBIOS")[2]


def test_it_boots_and_is_watched(sb: Sb, version: Path, key: str) -> None:
    timeline = boot(sb, "userspace")
    assert f"signed {key}" in timeline and "verity " in timeline and "failed" not in timeline
    assert "erofs" in sb.ssh("vn1", "grep sbkernel/root /proc/mounts || mount")
    assert sb.ssh("vn1", "systemctl is-active sbkernel-watch.service").strip() == "active"
    said = sb("verify-image", IMAGE)
    assert "root.erofs: root hash " in said and f"signed by factory {key}: {IMAGE} signed by " in said


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
