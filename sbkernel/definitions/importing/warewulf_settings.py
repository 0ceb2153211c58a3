"""Settings of a node or profile of Warewulf, flat: ("ipmi", "username") -> value and place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sbkernel.definitions.importing import warewulf_fields as fields
from sbkernel.definitions.importing.found import Where
from sbkernel.definitions.importing.warewulf_fields import Path
from sbkernel.definitions.importing.yamltext import Pair, Yaml


class Setting(NamedTuple):
    """One value, or the items of a list, and where it stands."""

    where: Where
    items: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return it as one text."""
        return " ".join(self.items)

    def __repr__(self) -> str:
        return f"setting at {self.where}"


Settings = dict[Path, Setting]
_LISTS: tuple[Path, ...] = (("kernel", "args"), ("profiles",))


def settings(yaml: Yaml, node: Any, what: str) -> Settings:
    """Return what a node or profile sets; what is not known, or has no place here, is noted."""
    found: Settings = {}
    for key, pair in yaml.mapping(node, what).items():
        path = fields.SPELLINGS.get(key, (key,))
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
                yield from _leaf(yaml, ("network devices", name, fields.NETWORK_SPELLINGS.get(key, key)), inner, what)
    else:
        yield from _leaf(yaml, path, pair, what)


def _leaf(yaml: Yaml, path: Path, pair: Pair, what: str) -> Iterator[tuple[Path, Setting]]:
    if not _is_taken(path):
        word = (path[0], path[-1]) if len(path) > 1 else path
        reason = fields.NOWHERE.get(word, "it is not known")
        yaml.note(pair.where, f"{', '.join(word)}: not taken: {reason}")
    elif path in _LISTS:
        yield path, Setting(pair.where, tuple(yaml.texts(pair.value, f"{path[-1]} of {what}")))
    else:
        text = yaml.text(pair.value, f"{path[-1]} of {what}")
        yield path, Setting(pair.where, (text,) if text else ())


def _is_taken(path: Path) -> bool:
    if path[0] == "network devices":
        return path[-1] in fields.NETWORK
    if len(path) == 2:
        return path[1] in (fields.IPMI if path[0] == "ipmi" else fields.KERNEL)
    return path[0] in (*fields.PLAIN, "profiles")


def fold(layers: Iterable[Settings]) -> Settings:
    """Merge settings as Warewulf does: a later one wins, lists grow, and `~item` takes an item out."""
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
