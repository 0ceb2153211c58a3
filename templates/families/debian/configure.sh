# Read by sh inside the tree of an image, after image/configure.sh: what only the build by apt and dpkg needed goes.
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000*
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/lib/dpkg/*-old
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
    switch disable "$unit"
done
