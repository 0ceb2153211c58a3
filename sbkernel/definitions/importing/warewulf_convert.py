"""Convert settings of Warewulf to attributes of xCAT. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from sbkernel.definitions.importing.found import FoundObject
from sbkernel.definitions.importing.warewulf_settings import Setting, Settings
from sbkernel.definitions.secret import stored

Attributes = dict[str, Setting]
Device = Mapping[str, Setting]

_DEVICES = "network devices"
_TYPES = {"ethernet": "Ethernet", "infiniband": "Infiniband"}
_PLAIN = {("comment",): "usercomment", ("image name",): "provmethod", ("ipmi", "username"): "bmcusername"}


def convert(whole: Settings, *, name: str = "", domain: str = "", partial: bool = False) -> Attributes:
    """Return the attributes of a node, or, with `partial`, those of a profile."""
    found = {attribute: whole[path] for path, attribute in _PLAIN.items() if path in whole}
    if ("kernel", "args") in whole:
        found["addkcmdline"] = whole["kernel", "args"]
    found |= _bmc(whole)
    if not partial:
        found |= _network(devices(whole))
        found |= _hostnames(whole, name, domain)
    return {attribute: setting for attribute, setting in found.items() if setting.items}


def devices(whole: Settings) -> dict[str, Device]:
    """Return the network devices by their Warewulf names. The device that boots comes first."""
    found: dict[str, dict[str, Setting]] = {}
    for path, setting in whole.items():
        if path[0] == _DEVICES:
            found.setdefault(path[1], {})[path[2]] = setting
    first = _primary(found, whole)
    return dict(sorted(found.items(), key=lambda item: (item[0] != first, item[0])))


def _primary(found: Mapping[str, Device], whole: Settings) -> str:
    named = whole.get(("primary network",))
    if named is not None:
        return named.text
    said = [name for name, device in found.items() if "primary" in device and device["primary"].text == "true"]
    return (said or ["default"])[0]


def _bmc(whole: Settings) -> Attributes:
    ipmi = {path[1]: setting for path, setting in whole.items() if path[0] == "ipmi"}
    found: Attributes = {}
    if "ipaddr" in ipmi:
        port = ipmi["port"].text if "port" in ipmi else "623"
        found["bmc"] = _as(ipmi["ipaddr"], ipmi["ipaddr"].text + ("" if port == "623" else f":{port}"))
    if "password" in ipmi:
        found["bmcpassword"] = _as(ipmi["password"], stored(ipmi["password"].text))
    if ipmi:
        found["mgt"] = _as(next(iter(ipmi.values())), "ipmi")
    return found


def _network(found: Mapping[str, Device]) -> Attributes:
    attributes: Attributes = {}
    for name, device in found.items():
        attributes |= _nic(device["device"].text if "device" in device else name, device)
    for device in list(found.values())[:1]:
        attributes |= _boots(device)
    macs = [device["hwaddr"] for device in found.values() if "hwaddr" in device]
    if macs:
        others = [f"|{setting.text}!*NOIP*" for setting in macs[1:]]
        attributes["mac"] = _as(macs[0], "".join([macs[0].text, *others]))
    return attributes


def _boots(device: Device) -> Attributes:
    """Return the attributes that only the boot interface has."""
    found = {"installnic": device["device"]} if "device" in device else {}
    return found | ({"ip": _as(device["ipaddr"], _address(device))} if "ipaddr" in device else {})


def _nic(nic: str, device: Device) -> Attributes:
    found: Attributes = {}
    addresses = [key for key in ("ipaddr", "ipaddr6") if key in device]
    if addresses:
        texts = [_address(device, key) for key in addresses]
        found[f"nicips.{nic}"] = _as(device[addresses[0]], "|".join(texts))
    if "type" in device:
        found[f"nictypes.{nic}"] = _as(device["type"], _TYPES.get(device["type"].text.lower(), device["type"].text))
    if "mtu" in device:
        found[f"nicextraparams.{nic}"] = _as(device["mtu"], f"MTU={device['mtu'].text}")
    return found


def _address(device: Device, key: str = "ipaddr") -> str:
    return device[key].text.partition("/")[0]


def _hostnames(whole: Settings, name: str, domain: str) -> Attributes:
    """Return NAME.CLUSTER, which Warewulf writes to /etc/hosts."""
    cluster = whole.get(("cluster name",))
    text = domain or (cluster.text if cluster else "")
    where = cluster or next(iter(whole.values()), None)
    return {"hostnames": _as(where, f"{name}.{text}")} if text and where else {}


def network(device: Device) -> FoundObject | None:
    """Return the network of a device; None if it has no address. Raises ValueError if address or mask is wrong."""
    if "ipaddr" not in device:
        return None
    mask = device["netmask"].text if "netmask" in device else device["ipaddr"].text.partition("/")[2]
    if not mask:
        return None
    net = ipaddress.IPv4Network((_address(device), mask), strict=False)
    values = {"net": str(net.network_address), "mask": str(net.netmask)}
    name = f"{net.network_address}-{net.netmask}".replace(".", "_")
    return FoundObject("network", name, values, device["ipaddr"].where, only_new=True)


def _as(setting: Setting, text: str) -> Setting:
    return setting._replace(items=(text,))
