# Read by init of the initrd: a function for each stage, in the order in which init calls them. They share variables.

run=/run/sbkernel
image=$run/image/root
root=/newroot
programs=/lib/sbkernel/programs
reporter=
node=
server=
url=
digest=
nic=
address=
command_line=

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

# check_memory: the image stays in memory, packed with its layers or unpacked, and the system needs some more to start
check_memory() {
    available=$(memory MemAvailable)
    [ "$unpacked" -gt "$size" ] && resident=$unpacked || resident=$size
    resident=$((resident + layers_size))
    needed=$((resident + 67108864))
    [ "$available" -ge "$needed" ] || fail "too little memory for the image" \
        "needed    $(megabytes "$needed"): $(megabytes "$resident") for the image, 64 MB to start" \
        "there are $(megabytes "$available")" \
        "do        a smaller image (exlist, pkglist) or a node with more memory"
}

fetch_root() {
    mkdir -p "$run/image"
    mount -t tmpfs -o "mode=755,nosuid,nodev,size=$(((size + layers_size + piece) / 1024 + 1024))k" image "$run/image"
    : >"$image"
    if [ -z "$verity" ]; then
        hash_while_written "$image" /tmp/whole >/tmp/sha256 &
        hasher=$!
    fi
    say "fetching $(at_server "$url"), $(megabytes "$size")"
    fetch "$url" "$image" "$size" || fail "the root image could not be fetched" \
        "url       $url" \
        "problem   $problem, after $tries_used tries" \
        "expected  $size bytes" \
        "got       $(size_of "$image") bytes" \
        "do        check that the service runs and that the image is in the catalog: packimage, nodeset"
    : >/tmp/whole
    fetched_uptime=$(uptime)
    say "fetched $(size_of "$image") bytes${serving:+ from $serving}"
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

mount_root() {
    if is_archive; then
        unpack_root
    else
        mount_roots
    fi
    program=$(argument init /sbin/init)
    if ! [ -e "$root$program" ] && ! [ -L "$root$program" ]; then
        refuse_corrupted
        fail "the image has no $program" "do        add an init system (systemd-sysv) to the pkglist"
    fi
}

mount_roots() {
    mkdir -p "$run/rw"
    mount_packed "$image" "$(root_name)" "$run/root" "$size" "$verity" || fail "the root image cannot be mounted" \
        "url       $url" \
        "do        see the messages of the kernel above"
    mount_layers
    limit=$(argument rootlimit)
    mount -t tmpfs -o "mode=755${limit:+,size=$limit}" rw "$run/rw" || fail "the root cannot have the size $limit" \
        "do        correct rootlimit"
    mkdir "$run/rw/upper" "$run/rw/work"
    mount -t overlay -o "lowerdir=$stack,upperdir=$run/rw/upper,workdir=$run/rw/work" root "$root" ||
        fail "the root cannot be made writable" "do        see the messages of the kernel above"
}

# unpack_root: unpack an archive into memory. By default the system may write half of the memory that this leaves
unpack_root() {
    limit=$(argument rootlimit "$((($(memory MemTotal) + unpacked) / 2048))k")
    mount -t tmpfs -o "mode=755,size=$limit" root "$root" || fail "the root cannot have the size $limit" \
        "do        correct rootlimit"
    say "unpacking to $root, at most $limit"
    # If the fetch took several tries, nobody has waited for its sum, and it still reads the file.
    wait "$hasher"
    cut_up "$image"
    unpack "$image" "$root" "$(root_name)" 2>/tmp/unpack || fail "the root image cannot be unpacked" \
        "url       $url" \
        "problem   $(grep -m 1 'No space' /tmp/unpack || head -n 1 /tmp/unpack)" \
        "there are $(df -h "$root" | tail -n 1 | awk '{ print $4 " of " $2 }') free in the root" \
        "do        a larger rootlimit, a smaller image (exlist, pkglist) or a node with more memory"
    umount "$run/image"
    say "unpacked $(df -h "$root" | tail -n 1 | awk '{ print $3 }')"
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
