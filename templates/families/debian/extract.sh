# Read by mmdebstrap as its extract hook, outside the tree, whose path is $1: dpkg there does not wait for the disk.
set -eu
[ -n "${SBKERNEL_PRELOAD:-}" ] || exit 0
mkdir -p "$1${SBKERNEL_PRELOAD%/*}"
cp "$SBKERNEL_PRELOAD" "$1$SBKERNEL_PRELOAD"
