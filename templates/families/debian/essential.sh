# Read by mmdebstrap as its last essential hook, outside the tree, whose path is $1: the base system is installed, the
# other packages have been decompressed meanwhile. Their lock is held until all are; see archives.py.
set -eu
flock --shared "$SBKERNEL_REPOSITORY/.turn" true
plain=$SBKERNEL_REPOSITORY/plain
[ -e "$plain/Packages" ] || exit 0
mv -- "$plain"/*.deb "$1/var/cache/apt/archives/"
mv -- "$plain/Packages" "$plain/Release" "$SBKERNEL_REPOSITORY/"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get update
