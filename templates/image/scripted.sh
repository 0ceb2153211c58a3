# Read by sh in a private mount namespace, after enter.sh: covers the uname of the tree $1 with the file $2, for programs
# that ask it after a chroot, such as depmod, and runs the other arguments. A link may mean a program of many names.
set -eu
tree=$1
uname=$2
shift 2
for name in usr/bin bin; do
    if [ -d "$tree/$name" ] && [ ! -L "$tree/$name" ] && [ -f "$tree/$name/uname" ] && [ ! -L "$tree/$name/uname" ]; then
        : > "$tree/run/sbkernel-uname"
        mount --bind "$tree/$name/uname" "$tree/run/sbkernel-uname"
        mount --bind "$uname" "$tree/$name/uname"
        break
    fi
done
exec "$@"
