"""The drivers of the initrd: which modules of a kernel are needed to find a network card and mount the root."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sbkernel.errors import BuildError
from sbkernel.images.initrd.rootkinds import RootKind

# What every boot needs beside the network card. Built-in ones have no module and count as present.
BOOT_DRIVERS = (
    "loop", "squashfs", "erofs", "overlay", "dm_mod", "dm_verity", "sha256_generic",
    "af_packet", "virtio_pci", "virtio_mmio",
)  # fmt: skip

# xCAT's list for x86_64 (genimage: tg3 bnx2 bnx2x e1000 e1000e igb mlx_en virtio_net be2net), where today's kernels
# call mlx_en mlx4_en, then the cards that servers and the machines of the clouds have had since.
DEFAULT_DRIVERS = (
    "tg3", "bnx2", "bnx2x", "e1000", "e1000e", "igb", "mlx4_en", "virtio_net", "be2net",
    "igc", "ixgbe", "ixgbevf", "i40e", "iavf", "ice", "mlx5_core", "bnxt_en", "qede", "sfc", "cxgb4", "enic",
    "r8169", "atlantic", "amd_xgbe", "hns3", "nicvf", "vmxnet3", "ena", "gve", "hv_netvsc", "xen_netfront",
    "broadcom", "realtek", "marvell",
)  # fmt: skip


def module_name(name: str) -> str:
    """Return the kernel's own spelling of a driver: `-` is `_`, and a file's ending does not count."""
    return name.strip().split("/")[-1].split(".ko")[0].replace("-", "_")


@dataclass(frozen=True)
class ModuleIndex:
    """What depmod wrote about the modules of one kernel (modules.dep(5)); names are in the kernel's spelling."""

    paths: Mapping[str, str]
    dependencies: Mapping[str, tuple[str, ...]]
    builtin: frozenset[str] = frozenset()
    aliases: Sequence[tuple[str, str]] = ()
    soft: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def resolve(self, name: str) -> str | None:
        """Return the module that a name or an exact alias means; None if it is built in or does not exist."""
        spelt = module_name(name)
        if spelt in self.paths:
            return spelt
        return next((module for alias, module in self.aliases if alias == name and module in self.paths), None)


def read_index(dep: str, *, builtin: str = "", alias: str = "", softdep: str = "") -> ModuleIndex:
    """Read the text files that depmod writes beside the modules."""
    lines = [line.partition(":")[::2] for line in dep.splitlines() if ":" in line]
    return ModuleIndex(
        paths={module_name(path): path for path, _ in lines},
        dependencies={module_name(path): tuple(map(module_name, needs.split())) for path, needs in lines},
        builtin=frozenset(map(module_name, builtin.split())),
        aliases=_read_aliases(alias),
        soft=_read_soft(softdep),
    )


def select(index: ModuleIndex, drivers: Sequence[str], kinds: Mapping[str, RootKind] | None = None) -> list[str]:
    """Return the modules for these drivers and kinds of root, what they depend on included, in alphabetical order.

    An empty sequence or DEFAULT_DRIVERS means the default, of which a kernel may lack some. Drivers that somebody
    named must exist, as must those of the kinds: BuildError names those that do not.
    """
    kinds = kinds or {}
    named = [] if tuple(drivers) == DEFAULT_DRIVERS else [name for name in drivers if name.strip()]
    _refuse_unknown(index, named)
    for name, kind in kinds.items():
        _refuse_unknown(index, kind.drivers, f"rootkind={name} needs it: choose another kind, or another kernel")
    more = [driver for kind in kinds.values() for driver in (*kind.drivers, *kind.perhaps)]
    found = {index.resolve(name) for name in (*BOOT_DRIVERS, *(named or DEFAULT_DRIVERS), *more)}
    return sorted(closure(index, (name for name in found if name)))


def closure(index: ModuleIndex, names: Iterable[str]) -> set[str]:
    """Return the modules and everything that they need, softly or not, for ever on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name in index.paths:
            found.add(name)
            waiting += _needs(index, name)
    return found


def dep_text(index: ModuleIndex, modules: Iterable[str]) -> str:
    """Write modules.dep for a busybox that knows no soft dependencies: they come last, so it loads them first."""
    chosen = set(modules)
    return "".join(
        f"{_file(name)}: {' '.join(map(_file, _load_order(index, name, chosen)))}\n" for name in sorted(chosen)
    )


def alias_text(index: ModuleIndex, modules: Iterable[str]) -> str:
    """Write modules.alias for the chosen modules only."""
    chosen = set(modules)
    return "".join(f"alias {alias} {name}\n" for alias, name in index.aliases if name in chosen)


def _load_order(index: ModuleIndex, name: str, chosen: set[str]) -> list[str]:
    order = list(index.dependencies.get(name, ()))
    for module in [name, *order]:
        for soft in _soft(index, module):
            order += [soft, *index.dependencies.get(soft, ())]
    return [module for module in dict.fromkeys(order) if module in chosen and module != name]


def _file(name: str) -> str:
    return f"{name}.ko"


def _needs(index: ModuleIndex, name: str) -> list[str]:
    return [*index.dependencies.get(name, ()), *_soft(index, name)]


def _soft(index: ModuleIndex, name: str) -> list[str]:
    return [module for wish in index.soft.get(name, ()) if (module := index.resolve(wish))]


def _read_aliases(text: str) -> tuple[tuple[str, str], ...]:
    fields = (line.split() for line in text.splitlines())
    return tuple((words[1], module_name(words[2])) for words in fields if len(words) == 3 and words[0] == "alias")


def _read_soft(text: str) -> dict[str, tuple[str, ...]]:
    fields = (line.split() for line in text.splitlines())
    return {
        module_name(words[1]): tuple(word for word in words[2:] if word not in ("pre:", "post:"))
        for words in fields
        if len(words) > 2 and words[0] == "softdep"
    }


def _refuse_unknown(index: ModuleIndex, named: Sequence[str], hint: str = "") -> None:
    known = {*index.paths, *index.builtin}
    wrong = [name for name in named if module_name(name) not in known and index.resolve(name) is None]
    if wrong:
        near = sorted({match for name in wrong for match in difflib.get_close_matches(module_name(name), known)})
        correct = "correct netdrivers, or install the driver's package"
        raise BuildError(
            f"the kernel has no driver {', '.join(wrong)}",
            hint=hint or (f"did you mean {' or '.join(near)}?" if near else correct),
        )
