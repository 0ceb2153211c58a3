# Read by mmdebstrap as its last customize hook, outside the tree, whose path is $1: what only the build needed goes.
set -eu
rm -f "$1"/etc/ssh/ssh_host_*
[ ! -d "$1/etc/ssh" ] || rmdir --ignore-fail-on-non-empty "$1/etc/ssh"
if [ -n "${SBKERNEL_PRELOAD:-}" ] && [ -z "$(find "$1/var/lib/dpkg/info" -name 'libeatmydata1*.list')" ]; then
    # ldconfig has seen it, too.
    rm -f "$1$SBKERNEL_PRELOAD"*
    env --unset=LD_PRELOAD chroot "$1" ldconfig
fi
