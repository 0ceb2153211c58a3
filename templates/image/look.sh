# Read by sh on a node, over ssh: prints what the node is and every path of its root, in records that end with NUL.
# A line before these sets as arguments the mounted directories that belong to the root, too.
say() {
    printf '%s=%s\000' "$1" "$2"
}
for program in find tar; do
    command -v "$program" >/dev/null 2>&1 || say missing "$program"
done
say machine "$(uname -m)"
say kernel "$(uname -r)"
say release "$(cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null)"
say boot "$(cat /run/sbkernel/boot 2>/dev/null)"
say mounts "$(cat /proc/self/mountinfo 2>/dev/null)"
say files ''
cd / && find . "$@" -xdev -printf '%y %D:%i %s %b %T@ %p\000' </dev/null
say end ''
