# Read by sh in a private mount namespace: mounts what programs expect in the tree $1, and runs the other arguments.
set -eu
# What is written into a tree does not depend on who builds.
umask 022
tree=$1
shift
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=755 tmpfs "$tree/run"
mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
# Ordinary users of Debian have no sbin in their PATH, but here they are root.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
exec "$@"
