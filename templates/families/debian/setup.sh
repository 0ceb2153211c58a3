# Read by mmdebstrap as its setup hook, outside the tree, whose path is $1: the packages are there already.
set -eu
mkdir -p "$1/var/cache/apt/archives"
# apt takes from here what it would copy; hard links take no time and no space, across file systems a copy does it.
cp --archive --link -- "$SBKERNEL_REPOSITORY"/*.deb "$1/var/cache/apt/archives/" 2>/dev/null ||
    cp --archive --reflink=auto -- "$SBKERNEL_REPOSITORY"/*.deb "$1/var/cache/apt/archives/"
# A build throws host keys away; openssh-server makes none where there are any, and its RSA key takes seconds.
mkdir -p "$1/etc/ssh"
for kind in rsa ecdsa ed25519; do
    : > "$1/etc/ssh/ssh_host_${kind}_key"
done
