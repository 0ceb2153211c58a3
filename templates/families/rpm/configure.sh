# Read by sh inside the tree of an image, after image/configure.sh: what only the build by dnf and rpm needed goes.
rm -rf /var/cache/dnf /var/cache/yum /var/cache/zypp /var/lib/dnf/*.pid /var/lib/dnf/repos
rm -f /boot/initramfs-*.img /boot/initrd-* /boot/loader/entries/*.conf
rm -f /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock

# Nodes install from the image's own repositories, not from the internet.
for file in /etc/yum.repos.d/*.repo /etc/zypp/repos.d/*.repo; do
    if [ -f "$file" ] && [ "${file##*/}" != image.repo ]; then
        sed -i -e '/^enabled *=/d' -e 's/^\[.*\]/&\nenabled=0/' "$file"
    fi
done

# The files of a packed root carry no labels.
if [ -f /etc/selinux/config ]; then
    sed -i 's/^SELINUX=.*/SELINUX=disabled/' /etc/selinux/config
fi
# NetworkManager writes resolv.conf where it is no link.
if has NetworkManager.service && ! has systemd-networkd.service && ! has systemd-resolved.service; then
    rm -f /etc/resolv.conf
fi
for unit in dnf-makecache.timer dnf-automatic.timer; do
    switch disable "$unit"
done
