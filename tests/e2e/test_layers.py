"""An image in layers on a virtual node, as an administrator types it: it boots; a layer that was changed does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

IMAGE, NODE = "mycomputeimage", "vn2"


@pytest.fixture(scope="module")
def layer(sb: Sb, first_demo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The top of a stack that a node of its own is set to; the image of the demo is as it was afterwards."""
    place = tmp_path_factory.mktemp("sync")
    (place / "motd").write_text("laid over the root\n")
    (place / "list").write_text(f"{place}/motd -> /etc/motd\n")
    assert "Packed flat: " in sb("packimage", IMAGE, "--layered")
    sb("chdef", "-t", "osimage", IMAGE, f"synclists={place}/list")
    assert " over " in sb("packimage", IMAGE, "--layered")
    sb("mkvm", NODE)
    sb("nodeset", NODE, f"osimage={IMAGE}@candidate")
    newest = json.loads(sb("images", IMAGE, "--format", "json"))[0]
    yield sb.site / "catalog" / newest["digest"] / "root.squashfs"
    sb("rpower", NODE, "off")
    sb("rmvm", NODE)
    sb("chdef", "-t", "osimage", IMAGE, "synclists=")
    assert "Nothing has changed since it was packed." in sb("packimage", IMAGE)


def test_a_node_sees_the_layer_over_the_root(sb: Sb, layer: Path) -> None:
    assert layer.stat().st_size < 1_000_000 < (layer.with_name("root.0.squashfs")).stat().st_size
    sb("rpower", NODE, "boot")
    assert f"{NODE} login:" in sb("rcons", NODE, "--until", "login:", "--for", "600", timeout_s=630)
    assert sb.ssh(NODE, "cat /etc/motd") == "laid over the root\n"
    assert "lowerdir=/run/sbkernel/layer1:/run/sbkernel/root" in sb.ssh(NODE, "grep ' / ' /proc/mounts")
    assert sb.ssh(NODE, "systemctl is-active ssh").strip() == "active"


def test_a_layer_that_was_changed_is_refused_on_the_console_and_in_the_timeline(sb: Sb, layer: Path) -> None:
    published = layer.read_bytes()
    try:
        with layer.open("r+b") as file:
            file.seek(len(published) // 2)
            file.write(bytes([published[len(published) // 2] ^ 1]))
        sb("rpower", NODE, "boot")
        reason = "layer 1 of 1 over the root is not the one that was published"
        console = sb("rcons", NODE, "--until", "stays here with its power on", "--for", "600", timeout_s=630)
        assert f"reason    {reason}" in console
        assert f"reason {reason}" in sb("nodestat", NODE, "--timeline")
    finally:
        with layer.open("r+b") as file:
            file.write(published)
