"""The peer's boot script: ours but for the initrd and the kernel command line."""

import pytest

from sbkernel.bench.peers.dracut import argv, boot_script, livenet_command_line
from sbkernel.errors import SbkernelError
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripts import with_variables

LINE = (
    "NODE=vn1 XCAT=10.0.2.2:8080 imgurl=http://10.0.2.2:8080/catalog/d/root.squashfs sbkernel.sha256=aa sbkernel.size=1"
    " sbkernel.image=d sbkernel.overlay=http://10.0.2.2:8080/boot/nodes/vn1.overlay.tar BOOTIF=01-52-54-00-00-00-01"
    " console=tty0 console=ttyS0,115200 mitigations=off"
)
SCRIPT = render_template(
    "ipxe/node.ipxe",
    state="netboot debian12-x86_64-compute",
    node="vn1",
    mac="52-54-00-00-00-01",
    boots="img@d, the current version when this was written",
    base="http://10.0.2.2:8080/catalog/d",
    kernel="http://10.0.2.2:8080/catalog/d/kernel?node=vn1",
    initrd="http://10.0.2.2:8080/catalog/d/initrd?node=vn1",
    servers=("10.0.2.2:8080",),
    command_line=LINE,
    digest="d",
    server="10.0.2.2:8080",
)
SHARED = with_variables(SCRIPT.encode(), "vn1", "52-54-00-00-00-01").decode()
ROOT = "http://10.0.2.2:8080/catalog/d/root.squashfs"
INITRD = "http://10.0.2.2:8080/boot/bench/livenet.img"


def test_the_command_line_names_the_same_root_and_keeps_what_is_not_ours() -> None:
    words = livenet_command_line(LINE, ROOT).split()
    assert words[0] == f"root=live:{ROOT}"
    assert words[-3:] == ["console=tty0", "console=ttyS0,115200", "mitigations=off"]
    assert not [word for word in words if word.startswith(("sbkernel.", "NODE=", "XCAT=", "imgurl=", "BOOTIF="))]


@pytest.mark.parametrize(("script", "node"), [(SCRIPT, "vn1"), (SHARED, "${node}")])
def test_only_two_lines_of_the_script_change(script: str, node: str) -> None:
    ours, peer = script.splitlines(), boot_script(script, INITRD, ROOT).splitlines()
    changed = [new for old, new in zip(ours, peer, strict=True) if old != new]
    assert len(changed) == 2
    assert changed[0].startswith(f"kernel http://10.0.2.2:8080/catalog/d/kernel?node={node} initrd=initrd root=live:")
    assert "NODE=" not in changed[0] and "BOOTIF=" not in changed[0]
    assert changed[1] == f"initrd --name initrd {INITRD} || goto again"


def test_a_script_for_something_else_is_refused() -> None:
    with pytest.raises(SbkernelError):
        boot_script("#!ipxe\nexit\n", INITRD, ROOT)


def test_the_initrd_gets_the_drivers_of_ours() -> None:
    words = argv("6.1.0", ["virtio_net", "e1000e"], "/boot/x.img")
    assert words[words.index("--drivers") + 1].split()[:2] == ["virtio_net", "e1000e"]
    assert words[-2:] == ["/boot/x.img", "6.1.0"]
