# Read by mmdebstrap as its setup hook, outside the tree, whose path is $1: package lists and packages are there already.
set -eu
mkdir -p "$1/var/lib/apt/lists" "$1/var/cache/apt/archives" "$1/etc/apt/preferences.d"
cp "$SBKERNEL_PREFERENCES" "$1/etc/apt/preferences.d/sbkernel-build"
bring() {
    # Hard links take no time and no space; across file systems a copy does it.
    cp --archive --link -- "$@" 2>/dev/null || cp --archive --reflink=auto -- "$@"
}
bring "$SBKERNEL_LISTS/." "$1/var/lib/apt/lists"
rm -f "$1/var/lib/apt/lists/lock"
: > "$1/var/lib/apt/lists/lock"
mkdir -p "$1/var/lib/apt/lists/partial" "$1/var/lib/apt/lists/auxfiles"
while read -r package; do
    bring "$package" "$1/var/cache/apt/archives/"
done < "$SBKERNEL_PACKAGES"
# mmdebstrap takes these two as the sign that apt-get update has been run; apt writes them anew.
: > "$1/var/cache/apt/pkgcache.bin"
: > "$1/var/cache/apt/srcpkgcache.bin"
# A build throws host keys away; openssh-server makes none where there are any, and its RSA key takes seconds.
mkdir -p "$1/etc/ssh"
for kind in rsa ecdsa ed25519; do
    : > "$1/etc/ssh/ssh_host_${kind}_key"
done
