"""The words of Warewulf 4's nodes.conf: where each goes, or why it goes nowhere (Warewulf: nodes.conf, `wwctl`).

Old spellings (4.0 to 4.4) stand for the new ones.
"""

from __future__ import annotations

Path = tuple[str, ...]

SPELLINGS: dict[str, Path] = {
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
NETWORK_SPELLINGS = {"ip6addr": "ipaddr6", "ipcidr": "ipaddr", "default": "primary"}

PLAIN = ("comment", "cluster name", "image name", "primary network")
IPMI = ("username", "password", "ipaddr", "port")
KERNEL = ("args",)
NETWORK = ("device", "type", "hwaddr", "ipaddr", "ipaddr6", "netmask", "gateway", "mtu", "primary")

_OVERLAY = "overlays are Warewulf's; use synclists and postscripts of the osimage or node"
_NOTHING = "no attribute holds it; usercomment holds text"
_IPV6 = "make a network object for IPv6 by hand"
_DISK = "disks of nodes are set up by the osimage's partitionfile"
_WHOLE = "an image is booted by its own initrd, which is the same for all"

NOWHERE: dict[Path, str] = {
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
    ("ipmi", "interface"): "IPMI is spoken by lanplus alone",
    ("ipmi", "template"): "IPMI is spoken by lanplus alone",
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
"""Words that are understood and have no place here, with what to use instead."""
