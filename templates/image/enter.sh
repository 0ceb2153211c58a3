# Read by sh in a private mount namespace: mount what programs expect into the tree $1, then run the rest of the arguments.
set -eu
tree=$1
shift
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
mount -t tmpfs -o mode=755 tmpfs "$tree/run"
mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
# An ordinary user of Debian has no sbin on his path, yet inside he is root.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
exec "$@"
