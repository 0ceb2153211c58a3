# Read by sh in a private mount namespace, after enter.sh: in the tree $1 the packages named by the other arguments go,
# those in the directory $2 come. Dependencies are those of the outcome; on the way there they do not count.
set -eu
tree=$1
packages=$2
shift 2
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
