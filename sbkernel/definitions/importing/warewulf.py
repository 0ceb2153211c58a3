"""Read nodes.conf of Warewulf 4: profiles become groups, nodes become nodes, images become osimage stubs. Pure.

In Warewulf, a later profile of a node wins; here, the first group wins. So the groups of a node are its profiles from
last to first. Where Warewulf would merge differently, the value is stored with the node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sbkernel.definitions.importing.found import Found, FoundObject, Where
from sbkernel.definitions.importing.warewulf_convert import convert, devices, network
from sbkernel.definitions.importing.warewulf_settings import Setting, Settings, fold, settings
from sbkernel.definitions.importing.yamltext import Yaml
from sbkernel.definitions.store.interface import Values

EVERYBODY = "all"
_STUB = "Came from Warewulf; genimage needs osvers, osarch and pkglist."


class _Entry(NamedTuple):
    where: Where
    settings: Settings
    profiles: tuple[str, ...]


def read(text: str, file: str) -> Found:
    """Read the text of a nodes.conf. Raises ListFileError if it is not YAML."""
    yaml = Yaml(text, file)
    reader = _Reader(yaml)
    items = [*reader.groups(), *reader.nodes(), *reader.networks.values(), *reader.images.values()]
    reader.unused()
    return Found("warewulf", items, yaml.notes, with_lent=True)


class _Reader:
    def __init__(self, yaml: Yaml) -> None:
        self._yaml = yaml
        top = yaml.mapping(yaml.root, "the file")
        for name in top.keys() - {"WW_INTERNAL", "nodeprofiles", "nodes"}:
            yaml.note(top[name].where, f"{name} is not known")
        # Up to 4.5, which still wrote WW_INTERNAL, a node without profiles had this profile.
        self._implied = ("default",) if "WW_INTERNAL" in top else ()
        self._profiles = self._entries(top.get("nodeprofiles"), "nodeprofiles")
        self._nodes = self._entries(top.get("nodes"), "nodes")
        self.networks: dict[str, FoundObject] = {}
        self.images: dict[str, FoundObject] = {}
        self._used: set[str] = set()

    def _entries(self, section: Any, what: str) -> dict[str, _Entry]:
        found = self._yaml.mapping(section.value, what) if section else {}
        return {name: self._entry(pair, f"{what} {name}") for name, pair in found.items()}

    def _entry(self, pair: Any, what: str) -> _Entry:
        raw = settings(self._yaml, pair.value, what)
        names = raw.pop(("profiles",), None)
        return _Entry(pair.where, raw, tuple(names.items) if names else ())

    def groups(self) -> Iterator[FoundObject]:
        """Yield a group for each profile."""
        for name, entry in self._profiles.items():
            found = convert(fold([entry.settings]), partial=True)
            self._image(found)
            yield self._item("group", name, entry.where, {**found, "grouptype": Setting(entry.where, ("static",))})

    def nodes(self) -> Iterator[FoundObject]:
        """Yield the nodes with everything that Warewulf would give them."""
        for full, entry in self._nodes.items():
            name, _, domain = full.partition(".")
            profiles = self._resolved(entry.profiles or self._known(self._implied), entry.where)
            whole = self._folded(profiles, entry)
            found = convert(whole, name=name, domain=domain)
            self._image(found)
            self._network(whole, entry.where)
            groups = ",".join(dict.fromkeys([*reversed(profiles), EVERYBODY]))
            yield self._item("node", name, entry.where, {**found, "groups": Setting(entry.where, (groups,))})

    def _folded(self, profiles: list[str], entry: _Entry) -> Settings:
        self._used.update(profiles)
        layers = [self._profiles[one].settings for one in profiles if one in self._profiles]
        whole = fold([*layers, entry.settings])
        # A comment belongs to the profile or node that has it.
        whole.pop(("comment",), None)
        return whole | {path: setting for path, setting in entry.settings.items() if path == ("comment",)}

    def _known(self, profiles: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in profiles if name in self._profiles)

    def _resolved(self, names: tuple[str, ...], where: Where) -> list[str]:
        """Return profiles, each after the profiles that it names. `~name` removes one."""
        order: list[str] = []
        self._walk(names, where, order, set())
        out = {name[1:] for name in order if name.startswith("~")}
        return [name for name in order if name not in out and not name.startswith("~")]

    def _walk(self, names: tuple[str, ...], where: Where, order: list[str], seen: set[str]) -> None:
        for name in names:
            if name in seen and not name.startswith("~"):
                continue
            seen.add(name)
            entry = self._profiles.get(name)
            if entry is not None:
                self._walk(entry.profiles, entry.where, order, seen)
            elif not name.startswith("~"):
                self._yaml.note(where, f"there is no profile {name}; it becomes a group without attributes")
            order.append(name)

    def _item(self, objtype: str, name: str, where: Where, found: Settings | Mapping[str, Setting]) -> FoundObject:
        named = {str(key): setting for key, setting in found.items()}
        values: Values = {key: setting.text for key, setting in named.items()}
        return FoundObject(objtype, name, values, where, {key: setting.where for key, setting in named.items()})

    def _image(self, found: Mapping[str, Setting]) -> None:
        image = found.get("provmethod")
        if image is not None:
            stub = {"imagetype": "linux", "profile": image.text, "provmethod": "netboot", "usercomment": _STUB}
            self.images.setdefault(image.text, FoundObject("osimage", image.text, stub, image.where, only_new=True))

    def _network(self, whole: Settings, where: Where) -> None:
        for device in devices(whole).values():
            try:
                item = network(device)
            except ValueError as error:
                self._yaml.note(device["ipaddr"].where, f"no network is made: {error}")
                continue
            if item is not None:
                self._route(self.networks.setdefault(item.name, item), device.get("gateway"))
            elif lost := [name for name in ("netmask", "gateway") if name in device]:
                self._yaml.note(where, f"{', '.join(lost)}: not taken: the network device has no address")

    def _route(self, item: FoundObject, gateway: Setting | None) -> None:
        if gateway and item.values.setdefault("gateway", gateway.text) != gateway.text:
            text = f"network {item.name} has gateway {item.values['gateway']}; {gateway.text} is not taken"
            self._yaml.note(gateway.where, text)

    def unused(self) -> None:
        """Note the settings that only nodes can have in profiles that no node uses."""
        for name, entry in self._profiles.items():
            if name not in self._used and devices(entry.settings):
                self._yaml.note(entry.where, f"profile {name} is used by no node: its network devices are not taken")
