# Read by sh inside the tree of an image, after its packages are installed: makes a root that any node can boot.
# The script of its package manager follows, and may use what is defined here.
set -eu

# Nodes get their names and make their keys when they boot. An empty machine-id gets a new value at each boot without the
# questions of a first boot (machine-id(5)).
rm -f /etc/hostname /etc/resolv.conf /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /etc/.pwd.lock
rm -f /etc/nvme/hostnqn /etc/nvme/hostid
rm -rf /var/lib/dhcp/* /var/lib/NetworkManager/* /var/lib/systemd/timers/*
: > /etc/machine-id
if [ -e /var/lib/dbus ]; then
    ln -sf /etc/machine-id /var/lib/dbus/machine-id
fi

# Root has no password. It logs in with keys, or with the password that the site sets for the node.
if [ -e /etc/shadow ]; then
    sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow
fi
# ldconfig's notes about the files that it has seen: their inodes, and when they were written.
rm -f /var/cache/ldconfig/aux-cache
rm -f /etc/shadow- /etc/passwd- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid-

rm -f /usr/sbin/policy-rc.d /boot/initrd.img-* /initrd.img /initrd.img.old
if [ -d /var/log ]; then
    find /var/log -type f -exec rm -f {} +
fi
rm -rf /var/log/journal

has() {
    [ -e /bin/systemctl ] && [ -e "/lib/systemd/system/$1" ]
}
switch() {
    if has "$2"; then
        systemctl --quiet "$1" "$2"
    fi
}
switch enable systemd-networkd.service
if has systemd-resolved.service; then
    # Debian 11 has it in a package that many others need, and does not start it by itself.
    switch enable systemd-resolved.service
    ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
    rm -f /etc/systemd/system/resolv-conf.path /etc/systemd/system/resolv-conf.service
else
    ln -sf /run/resolv.conf /etc/resolv.conf
    if has systemd-networkd.service; then
        systemctl --quiet enable resolv-conf.path resolv-conf.service
    fi
fi
# A root in memory is not upgraded, checked or trimmed on a schedule.
for unit in e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer; do
    switch disable "$unit"
done
