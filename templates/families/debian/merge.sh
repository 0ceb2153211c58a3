# Read by mmdebstrap as a setup hook, outside the tree, whose path is $1: /bin and its like are links into /usr from the
# start. Releases from Debian 13 on bring these links themselves; those before Debian 12 have no package that says so.
set -eu
for name in bin sbin lib lib64; do
    mkdir -p "$1/usr/$name"
    ln -s "usr/$name" "$1/$name"
done
