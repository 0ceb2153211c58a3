# Read by init of the initrd: a function for each stage, in the order in which init calls them. They share variables.

run=/run/sbkernel
image=$run/image/root
root=/newroot
library=/lib/sbkernel
programs=$library/programs
reporter=
node=
server=
url=
digest=
nic=
address=
command_line=
keeps_network=

mount_kernel_filesystems() {
    mount -t proc -o nosuid,nodev,noexec proc /proc
    mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
    mount -t devtmpfs -o mode=755,nosuid dev /dev
    mount -t tmpfs -o mode=755,nosuid,nodev,size=20% run /run
    mkdir -p "$run"
    init_uptime=$(uptime)
}

read_command_line() {
    command_line=$(cat /proc/cmdline)
    node=$(argument NODE)
    digest=$(argument sbkernel.image)
    sha256=$(argument sbkernel.sha256)
    size=$(argument sbkernel.size 0)
    unpacked=$(argument sbkernel.unpacked 0)
    url=$(argument imgurl)
    overlay_url=$(argument sbkernel.overlay)
    flag nonodestatus || server=$(argument XCAT)
    retries=$(argument sbkernel.retries 12)
    read_servers
    dhcp_tries=$(argument sbkernel.dhcptries 6)
    stall_s=$(argument sbkernel.stall 20)
    nic_wait=$(argument sbkernel.nicwait 30)
    link_wait=$(argument sbkernel.linkwait 15)
    say "node ${node:-without a name}, image ${digest:-unknown}"
    [ -n "$url" ] && [ -n "$sha256" ] && [ "$size" -gt 0 ] || fail "the kernel command line names no image" \
        "expected  imgurl=, sbkernel.sha256= and sbkernel.size=" \
        "do        nodeset ${node:-NODE} osimage=IMAGE"
    read_layers
}

# device_names: print the names by which devices ask for drivers. Only the buses are read: all of /sys takes seconds
device_names() {
    set +f
    cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u
    set -f
}

# load_drivers: repeat until no new devices appear, because a driver such as virtio_pci brings further devices
load_drivers() {
    modprobe -aq $(filesystems) loop af_packet
    known=
    pass=1
    while [ "$pass" -le 10 ]; do
        names=$(device_names)
        [ "$names" = "$known" ] && break
        printf '%s\n' "$known" "$names" | sort | uniq -u | xargs -r modprobe -aq 2>/dev/null
        known=$names
        pass=$((pass + 1))
    done
    say "drivers: $(lsmod | tail -n +2 | wc -l) modules"
    for filesystem in $(filesystems); do
        grep -qw "$filesystem" /proc/filesystems || fail "the kernel has no $filesystem" \
            "do        build the image with a kernel that has it"
    done
}

# memory FIELD: print a field of /proc/meminfo in bytes
memory() {
    echo "$(($(sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo) * 1024))"
}

# root_name: print the name of the root's file; the name of its server may look like that of an archive
root_name() {
    path=${url%%[?]*}
    echo "${path##*/}"
}

# is_archive: whether the root is to be unpacked; the end of its name tells its format, as in xCAT
is_archive() {
    case $(root_name) in *.cpio.* | *.tar.*) return 0 ;; *) return 1 ;; esac
}

# filesystems: print what the kernel needs beside tmpfs
filesystems() {
    is_archive || echo "$(filesystem_of "$(root_name)") overlay"
}

# choose_kind: sets kind, the kind of root: where it lies. Each is a file KIND.sh with a function for each of the steps below
choose_kind() {
    kind=$(argument sbkernel.root ram)
    case $kind in
        ram | tmpfs | zram | lazy | disk) ;;
        *)
            fail "there is no kind of root that is called $kind" \
                "expected  sbkernel.root=tmpfs, zram, lazy or disk; without, the packed root lies in memory" \
                "do        correct rootkind of the node or the osimage, then nodeset ${node:-NODE} osimage"
            ;;
    esac
    [ -e "$library/$kind.sh" ] || fail "the initrd cannot make a root of the kind $kind" \
        "do        genimage, packimage and nodeset again, with rootkind=$kind of the osimage"
    . "$library/$kind.sh"
    [ "$kind" = ram ] || say "kind of root: $kind"
}

# as_kind STEP: do one step as the kind of root does it. check: fail before anything is fetched if this node cannot have
# such a root; bring: get the packed root and its layers, and set fetched_bytes and fetched_uptime; verify: refuse what was
# not published; mount: make it the root
as_kind() {
    "$1_$kind"
}

# check_program: whether there is something to start
check_program() {
    program=$(argument init /sbin/init)
    if ! [ -e "$root$program" ] && ! [ -L "$root$program" ]; then
        refuse_corrupted
        fail "the image has no $program" "do        add an init system (systemd-sysv) to the pkglist"
    fi
}

# unpack_overlay: unpack the node's own files. Without them it would have no name, and nobody could log in
unpack_overlay() {
    [ -n "$overlay_url" ] || return 0
    fetch "$overlay_url" /tmp/overlay.tar 0 || fail "the node's own files could not be fetched" \
        "url       $overlay_url" \
        "problem   $problem, after $tries_used tries" \
        "do        nodeset $node osimage=IMAGE writes them"
    tar -x -f /tmp/overlay.tar -C "$root" || fail "the node's own files cannot be unpacked" \
        "url       $overlay_url" \
        "do        nodeset $node osimage=IMAGE writes them anew"
}

# set_root_password: the overlay has only the hash, because the shadow file belongs to the image
set_root_password() {
    hash_file=$root/run/sbkernel/root-password
    [ -s "$hash_file" ] && [ -f "$root/etc/shadow" ] || return 0
    hash=$(cat "$hash_file")
    rm "$hash_file"
    HASH=$hash awk -F: -v OFS=: '$1 == "root" { $2 = ENVIRON["HASH"] } { print }' "$root/etc/shadow" >/tmp/shadow
    cat /tmp/shadow >"$root/etc/shadow"
    rm /tmp/shadow
}

# leave_tools: the image has no agent. Units of the overlay report with this busybox and these values
leave_tools() {
    cp /bin/busybox "$run/busybox"
    printf 'node=%s\nserver=%s\nimage=%s\n' "$node" "$server" "$digest" >"$run/boot"
}

start_root() {
    say "starting $program"
    for directory in run dev proc sys; do
        mkdir -p "$root/$directory"
        mount -o move "/$directory" "$root/$directory"
    done
    exec switch_root "$root" "$program"
}
