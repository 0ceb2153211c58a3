"""What of a running system is only that node's, or what it only wrote down while it ran: none of it is captured.

A table, to be read from top to bottom. Patterns are those of an exlist (find -path: `*` matches `/` too). They take
away everything but directories, which programs expect to be there; where `directories` is set, those go, too. None of
this ever leaves the node, whatever the site's own exlist keeps. What is edited is in templates/image/captured.sh.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sbkernel.images.pack.exclusion import regex


class Trace(NamedTuple):
    """What a node leaves of itself, in words for whoever reads the result, and where it lies."""

    what: str
    patterns: tuple[str, ...]
    directories: bool = False


IDENTITY = (
    # Who it is.
    Trace("name and machine-id", (
        "./etc/hostname", "./etc/HOSTNAME", "./etc/machine-id", "./etc/machine-info", "./etc/hosts", "./etc/hostid",
        "./var/lib/dbus/machine-id",
    )),
    Trace("keys of its sshd", ("./etc/ssh/ssh_host_*",)),
    Trace("keys and history of root", (
        "./root/.ssh/*", "./root/.gnupg/*", "./root/.*_history", "./root/.lesshst", "./root/.viminfo",
        "./root/.wget-hsts",
    )),
    Trace("history of users", ("./home/*/.*_history", "./home/*/.lesshst", "./home/*/.viminfo")),
    Trace("keys that name it to others", (
        "./etc/krb5.keytab", "./etc/iscsi/initiatorname.iscsi", "./etc/nvme/hostnqn", "./etc/nvme/hostid",
        "./var/lib/systemd/credential.secret", "./etc/pki/consumer/*", "./etc/pki/entitlement/*", "./var/lib/rhsm/*",
        "./etc/zypp/credentials.d/*", "./etc/SUSEConnect", "./var/lib/sss/db/*", "./var/lib/sss/secrets/*",
        "./var/lib/samba/private/*",
    )),
    Trace("what cloud-init did", ("./var/lib/cloud/*", "./run/cloud-init/*"), directories=True),
    # Its network.
    Trace("DHCP leases", (
        "./var/lib/dhcp/*", "./var/lib/dhclient/*", "./var/lib/dhcpcd/*", "./var/lib/NetworkManager/*",
        "./var/lib/wicked/*",
    )),
    Trace("addresses of its interfaces", (
        "./etc/NetworkManager/system-connections/*", "./etc/sysconfig/network-scripts/ifcfg-[!l]*",
        "./etc/sysconfig/network-scripts/ifcfg-l[!o]*", "./etc/sysconfig/network/ifcfg-l[!o]*",
        "./etc/sysconfig/network/ifcfg-[!l]*", "./etc/network/interfaces.d/*", "./etc/resolv.conf",
    )),
    Trace("names of its interfaces and disks", (
        "./etc/udev/rules.d/*persistent*", "./etc/multipath/bindings", "./etc/multipath/wwids",
    )),
    # Its disks.
    Trace("what is on its disks", (
        "./etc/crypttab", "./etc/lvm/archive/*", "./etc/lvm/backup/*", "./etc/lvm/cache/*", "./etc/lvm/devices/*",
        "./etc/blkid.tab*", "./etc/zfs/zpool.cache",
    )),
    Trace("boot loaders and initrds", (
        "./boot/grub*", "./boot/efi/*", "./boot/loader/*", "./boot/extlinux/*", "./boot/initr*", "./initrd.img*",
        "./boot/vmlinuz-0-rescue-*", "./etc/kernel/entry-token",
    )),
    # What it wrote down while it ran.
    Trace("journals", ("./var/log/journal/*",), directories=True),
    Trace("logs", ("./var/log/*", "./var/account/*", "./var/spool/rsyslog/*", "./var/lib/rsyslog/*")),
    Trace("crash dumps", ("./var/crash/*", "./var/lib/systemd/coredump/*", "./var/spool/abrt/*")),
    Trace("mail", ("./var/mail/*", "./var/spool/mail/*", "./var/spool/postfix/*")),
    Trace("seeds of randomness", (
        "./var/lib/systemd/random-seed", "./var/lib/random-seed", "./var/lib/urandom/random-seed",
    )),
    Trace("clocks and timers", (
        "./etc/adjtime", "./var/lib/systemd/timers/*", "./var/lib/systemd/timesync/*",
        "./var/lib/private/systemd/timesync/*", "./var/lib/chrony/*", "./var/lib/ntp/*.drift", "./var/lib/ntp/drift",
        "./var/lib/systemd/rfkill/*", "./var/lib/systemd/backlight/*", "./var/lib/logrotate*/*status*",
    )),
    Trace("saved copies of its users", (
        "./etc/passwd-", "./etc/shadow-", "./etc/group-", "./etc/gshadow-", "./etc/subuid-", "./etc/subgid-",
        "./etc/.pwd.lock", "./etc/.updated", "./var/.updated",
    )),
)  # fmt: skip
BROUGHT = "what its boot laid over the image"
SECRETS = (
    "./home/*/.ssh/id_*[!b]", "./etc/ssl/private/*", "./etc/pki/tls/private/*", "./etc/munge/*.key",
    "./etc/slurm/*.key", "./etc/sssd/*.conf", "./etc/wireguard/*", "./etc/openvpn/*.key", "./etc/ipsec.d/private/*",
    "./etc/kubernetes/*.conf",
    "./var/lib/kubelet/pki/*", "*/.netrc", "*/.my.cnf", "*/.pgpass", "*/.aws/credentials", "*/.kube/config",
    "*/.docker/config.json", "*/.git-credentials", "./etc/*.htpasswd", "./home/*/.gnupg/private-keys*/*",
)  # fmt: skip
"""Private keys that stay, since only the site can know whose they are; whoever captures is told."""


class Identity:
    """The table, ready to be asked about many paths; `brought` are further ones, without ./ before them."""

    def __init__(self, brought: Collection[str] = ()) -> None:
        self._brought = frozenset(f"./{path}" for path in brought)
        self._any = _compiled(pattern for trace in IDENTITY for pattern in trace.patterns)
        self._each = [(trace, _compiled(trace.patterns)) for trace in IDENTITY]

    def trace(self, path: str, *, directory: bool = False) -> str:
        """Return what a path is of the node's own, in words; "" for one that may be of any node."""
        if path in self._brought and not directory:
            return BROUGHT
        if not self._any.fullmatch(path):
            return ""
        found = (trace.what for trace, pattern in self._each if pattern.fullmatch(path))
        whole = (trace.what for trace, pattern in self._each if trace.directories and pattern.fullmatch(path))
        return next(whole if directory else found, "")


IS_SECRET = re.compile("|".join(map(regex, SECRETS)), re.DOTALL)


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(regex, patterns)), re.DOTALL)
