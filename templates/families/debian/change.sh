# Read by sh in a private mount namespace, after enter.sh: in the tree $1 the packages named by the other arguments go,
# those in the directory $2 come. Dependencies are those of the outcome; on the way there they do not count. If $3 is a
# time, what is newer is dated anew.
set -eu
tree=$1
packages=$2
newer=$3
shift 3
place=run/packages
mkdir "$tree/$place"
mount --bind "$packages" "$tree/$place"
in_tree() {
    chroot "$tree" dpkg --force-unsafe-io --force-confdef --force-depends --force-breaks --force-conflicts "$@"
}
# What packages would start is not started (invoke-rc.d(8)).
policy=$tree/usr/sbin/policy-rc.d
[ ! -e "$policy" ]
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"
[ $# -eq 0 ] || in_tree --purge "$@"
cd "$packages"
set -- *.deb
if [ -e "$1" ]; then
    in_tree --unpack --recursive "/$place"
    in_tree --configure --pending
fi
rm -f "$policy"
# A build has run it after everything, whoever brought a library.
[ ! -e "$tree/sbin/ldconfig" ] || chroot "$tree" ldconfig
# Scripts of a build run after the newest package was made. What they have made here before counts as made now.
[ -z "$newer" ] || find "$tree" -xdev ! -type d -newermt "$newer" -exec touch --no-dereference -- {} +
