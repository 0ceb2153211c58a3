"""Settings of a node or profile of Warewulf 4, flat: ("ipmi", "username") -> value and place. Pure.

The tables say where each key of nodes.conf goes, or why it goes nowhere. Old keys (4.0 to 4.4) become the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sbkernel.definitions.importing.found import Where
from sbkernel.definitions.importing.yamltext import Pair, Yaml

Path = tuple[str, ...]

_SPELLINGS: dict[str, Path] = {
    "container name": ("image name",),
    "ipmi username": ("ipmi", "username"),
    "ipmi password": ("ipmi", "password"),
    "ipmi ipaddr": ("ipmi", "ipaddr"),
    "ipmi port": ("ipmi", "port"),
    "ipmi netmask": ("ipmi", "netmask"),
    "ipmi gateway": ("ipmi", "gateway"),
    "ipmi interface": ("ipmi", "interface"),
    "ipmi escapechar": ("ipmi", "escapechar"),
    "ipmi write": ("ipmi", "write"),
    "kernel version": ("kernel", "version"),
    "kernel override": ("kernel", "override"),
    "kernel args": ("kernel", "args"),
    "keys": ("tags",),
}
_NETWORK_SPELLINGS = {"ip6addr": "ipaddr6", "ipcidr": "ipaddr", "default": "primary"}

_PLAIN = ("comment", "cluster name", "image name", "primary network")
_IPMI = ("username", "password", "ipaddr", "port")
_KERNEL = ("args",)
_NETWORK = ("device", "type", "hwaddr", "ipaddr", "ipaddr6", "netmask", "gateway", "mtu", "primary")

_OVERLAY = "overlays are Warewulf's; use synclists and postinstall of the osimage"
_NOTHING = "no attribute holds it; usercomment holds text"
_IPV6 = "make a network object for IPv6 by hand"
_DISK = "disks of nodes are set up by the osimage's partitionfile"
_WHOLE = "an image is booted by its own initrd, which is the same for all"

_NOWHERE: dict[Path, str] = {
    ("runtime overlay",): _OVERLAY,
    ("system overlay",): _OVERLAY,
    ("ipxe template",): "boot scripts are written by nodeset",
    ("init",): _WHOLE,
    ("root",): _WHOLE,
    ("disks",): _DISK,
    ("filesystems",): _DISK,
    ("kernel", "version"): "set kernelver of the osimage",
    ("kernel", "override"): "set kernelver of the osimage",
    ("ipmi", "write"): "BMCs are not configured from here",
    ("ipmi", "netmask"): "BMCs are not configured from here",
    ("ipmi", "gateway"): "BMCs are not configured from here",
    ("ipmi", "interface"): "_IPMI is spoken by lanplus alone",
    ("ipmi", "template"): "_IPMI is spoken by lanplus alone",
    ("ipmi", "escapechar"): "rcons is left with Ctrl-e c .",
    ("tags",): _NOTHING,
    ("resources",): _NOTHING,
    ("asset key",): _NOTHING,
    ("discoverable",): "discovery is not there yet; set mac",
    ("network devices", "onboot"): "every interface with an address comes up",
    ("network devices", "tags"): _NOTHING,
    ("network devices", "prefixlen6"): _IPV6,
    ("network devices", "gateway6"): _IPV6,
}
"""Keys that are known but have no place here, with what to use instead."""


class Setting(NamedTuple):
    """One value, or the items of a list, and its place in the file."""

    where: Where
    items: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return it as one string."""
        return " ".join(self.items)

    def __repr__(self) -> str:
        return f"setting at {self.where}"


Settings = dict[Path, Setting]
_LISTS: tuple[Path, ...] = (("kernel", "args"), ("profiles",))


def settings(yaml: Yaml, node: Any, what: str) -> Settings:
    """Return what a node or profile sets. Keys that are unknown or have no place here are noted."""
    found: Settings = {}
    for key, pair in yaml.mapping(node, what).items():
        path = _SPELLINGS.get(key, (key,))
        for where, setting in _below(yaml, path, pair, what):
            found[where] = setting
    return {path: setting for path, setting in found.items() if setting.items}


def _below(yaml: Yaml, path: Path, pair: Pair, what: str) -> Iterator[tuple[Path, Setting]]:
    if path in (("ipmi",), ("kernel",)):
        for key, inner in yaml.mapping(pair.value, f"{path[0]} of {what}").items():
            yield from _leaf(yaml, (*path, key), inner, what)
    elif path == ("network devices",):
        for name, device in yaml.mapping(pair.value, f"network devices of {what}").items():
            for key, inner in yaml.mapping(device.value, f"network device {name} of {what}").items():
                yield from _leaf(yaml, ("network devices", name, _NETWORK_SPELLINGS.get(key, key)), inner, what)
    else:
        yield from _leaf(yaml, path, pair, what)


def _leaf(yaml: Yaml, path: Path, pair: Pair, what: str) -> Iterator[tuple[Path, Setting]]:
    if not _is_taken(path):
        word = (path[0], path[-1]) if len(path) > 1 else path
        reason = _NOWHERE.get(word, "it is not known")
        yaml.note(pair.where, f"{', '.join(word)}: not taken: {reason}")
    elif path in _LISTS:
        yield path, Setting(pair.where, tuple(yaml.texts(pair.value, f"{path[-1]} of {what}")))
    else:
        text = yaml.text(pair.value, f"{path[-1]} of {what}")
        yield path, Setting(pair.where, (text,) if text else ())


def _is_taken(path: Path) -> bool:
    if path[0] == "network devices":
        return path[-1] in _NETWORK
    if len(path) == 2:
        return path[1] in (_IPMI if path[0] == "ipmi" else _KERNEL)
    return path[0] in (*_PLAIN, "profiles")


def fold(layers: Iterable[Settings]) -> Settings:
    """Merge settings as Warewulf does: a later one wins, lists are joined, and `~item` removes an item."""
    whole: Settings = {}
    for layer in layers:
        for path, setting in layer.items():
            before = whole[path].items if path in whole and path in _LISTS else ()
            whole[path] = setting._replace(items=(*before, *setting.items))
    return {path: _cleaned(setting) if path in _LISTS else setting for path, setting in whole.items()}


def _cleaned(setting: Setting) -> Setting:
    out = {item[1:] for item in setting.items if item.startswith("~")}
    kept = (item for item in setting.items if not item.startswith("~") and item not in out)
    return setting._replace(items=tuple(dict.fromkeys(kept)))
