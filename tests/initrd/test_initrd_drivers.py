"""Which modules the initrd takes, from what depmod wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.initrd.drivers import (
    DEFAULT_DRIVERS,
    ModuleIndex,
    alias_text,
    closure,
    dep_text,
    module_name,
    read_index,
    select,
)
from sbkernel.images.initrd.rootkinds import RootKind

INDEX = read_index(
    "kernel/net/tg3.ko.xz: kernel/net/ptp.ko.xz kernel/net/pps_core.ko.xz\n"
    "kernel/net/ptp.ko.xz: kernel/net/pps_core.ko.xz\n"
    "kernel/net/pps_core.ko.xz:\n"
    "kernel/net/virtio-net.ko:\n"
    "kernel/fs/squashfs.ko: kernel/lib/zstd.ko\n"
    "kernel/lib/zstd.ko:\n"
    "kernel/lib/crc32c-fast.ko:\n",
    builtin="kernel/drivers/block/loop.ko\nkernel/net/e1000e.ko\n",
    alias="# x\nalias pci:v000014E4d* tg3\nalias virtio:d00000001v* virtio_net\nalias crc32c crc32c_fast\n",
    softdep="softdep ptp pre: crc32c post: nothing-here\n",
)


def test_takes_what_a_driver_needs_softly_or_not_and_what_every_boot_needs() -> None:
    assert select(INDEX, ["tg3"]) == ["crc32c_fast", "pps_core", "ptp", "squashfs", "tg3", "zstd"]


@pytest.mark.parametrize("drivers", [[], DEFAULT_DRIVERS, [""]])
def test_the_default_leaves_out_what_the_kernel_lacks(drivers: list[str]) -> None:
    assert "virtio_net" in select(INDEX, drivers)
    assert "ice" not in select(INDEX, drivers)


@pytest.mark.parametrize("name", ["virtio-net", "virtio_net", "virtio_net.ko", " kernel/net/virtio-net.ko.xz "])
def test_every_spelling_of_a_driver(name: str) -> None:
    assert "virtio_net" in select(INDEX, [name])


def test_a_built_in_driver_is_there_already() -> None:
    assert "e1000e" not in select(INDEX, ["e1000e"])


def test_wrong_names_are_named_with_near_ones() -> None:
    with pytest.raises(BuildError, match=r"the kernel has no driver virtio_nett, ice") as caught:
        select(INDEX, ["virtio_nett", "tg3", "ice"])
    assert caught.value.hint == "did you mean virtio_net?"


def test_soft_dependencies_are_loaded_first() -> None:
    lines = dict(line.split(":") for line in dep_text(INDEX, select(INDEX, ["tg3"])).splitlines())
    assert lines["tg3.ko"].split() == ["ptp.ko", "pps_core.ko", "crc32c_fast.ko"]
    assert lines["zstd.ko"] == " "


def test_only_aliases_of_chosen_modules_are_kept() -> None:
    assert alias_text(INDEX, ["tg3"]) == "alias pci:v000014E4d* tg3\n"


NAMES = st.sampled_from([f"m{number}" for number in range(8)])
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4).map(tuple))


@given(GRAPHS, GRAPHS, st.lists(NAMES))
def test_a_closure_is_closed_whatever_depends_on_whatever(
    hard: dict[str, tuple[str, ...]], soft: dict[str, tuple[str, ...]], wanted: list[str]
) -> None:
    index = ModuleIndex({name: f"{name}.ko" for name in hard}, hard, soft=soft)
    found = closure(index, wanted)
    assert {name for name in wanted if name in hard} <= found
    assert found == closure(index, found)
    for line in dep_text(index, found).splitlines():
        name, _, needs = line.partition(": ")
        assert {f"{need}.ko" for need in hard[name.removesuffix(".ko")] if need in hard} - {name} <= set(needs.split())
        assert name not in needs.split()


@given(st.text("abc_-", min_size=1, max_size=12), st.sampled_from(["", ".ko", ".ko.xz", ".ko.zst"]))
def test_names_are_normal_once_and_for_all(name: str, ending: str) -> None:
    normal = module_name(f"kernel/x/{name}{ending}")
    assert normal == name.replace("-", "_") == module_name(normal)


def test_a_kind_of_root_brings_its_drivers_and_those_that_are_there() -> None:
    kind = RootKind(drivers=("loop", "zstd"), perhaps=("lzo_rle", "crc32c_fast"))
    assert set(select(INDEX, ["tg3"], {"it": kind})) == set(select(INDEX, ["tg3"])) | {"zstd", "crc32c_fast"}
    with pytest.raises(BuildError, match="the kernel has no driver zramm") as caught:
        select(INDEX, [], {"it": RootKind(drivers=("zramm",))})
    assert "rootkind=it needs it" in str(caught.value.hint)
