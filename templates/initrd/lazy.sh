# Read by init of the initrd: the kind of root that is called lazy. The packed root and its layers stay on the server: their
# blocks are fetched when they are read, and dm-verity checks each. nbdkit asks any web server for ranges of the file, and
# gives what it gets to the driver nbd, for ever anew while the server does not answer: a read waits, and does not fail.
# Its programs lie in a root of their own, which stays when the initrd is thrown away; lazylog.sh reads what they say.

keeps_network=yes
lazy=$run/lazy

check_lazy() {
    if is_archive; then
        problem="it is an archive, which has no blocks to read"
    elif [ -z "$(argument sbkernel.verity)" ]; then
        problem="it has no hash tree, by which to check each block that comes"
    else
        problem=$(why_no_verity)
        each_layer check_lazy_layer
    fi
    [ -z "$problem" ] || fail "the root cannot be read block by block: $problem" \
        "url       $url" \
        "do        packimage --verity with squashfs or erofs, or another rootkind"
    modprobe nbd nbds_max=$((layer_count + 1)) max_part=0
    [ -b /dev/nbd0 ] && [ -e "$programs/nbdkit" ] && [ -e "$programs/nbd-client" ] ||
        fail "the initrd cannot make a root of the kind lazy" \
            "do        genimage, packimage and nodeset again, with rootkind=lazy of the osimage"
    check_memory 33554432 "the programs that fetch it"
}

check_lazy_layer() {
    [ -n "$layer_verity" ] || problem="$layer has no hash tree, by which to check each block that comes"
}

bring_lazy() {
    mkdir -p "$run/image"
    lay_out_programs
    connect root 0 "the root image" "$url" "$size" "$image"
    each_layer connect_layer
    fetched_uptime=$(uptime)
    fetched_bytes=$(lazy_bytes)
    : >"$lazy/connected"
}

# verify_lazy: dm-verity checks each block, of all roots
verify_lazy() {
    verify_root
}

mount_lazy() {
    mount_roots writable_in_memory
}

# lay_out_programs: make the root in which the programs run, from now on till the node is switched off
lay_out_programs() {
    mkdir -p "$lazy"
    mount -t tmpfs -o mode=700,size=64m lazy "$lazy"
    mkdir "$lazy/etc" "$lazy/dev" "$lazy/bin"
    cp -r "$programs" "$lazy/programs"
    cp /bin/busybox "$lazy/bin/"
    cp "$library/lazylog.sh" "$lazy/"
    [ ! -e /etc/resolv.conf ] || cp /etc/resolv.conf "$lazy/etc/"
    mknod "$lazy/dev/null" c 1 3
    mknod "$lazy/dev/kmsg" c 1 11
}

connect_layer() {
    connect "layer$layer_number" "$layer_number" "$layer" "$layer_url" "$layer_size" "$layer_file"
}

# connect NAME NUMBER WHAT URL SIZE FILE: make a block device of a file on the server, or on the next one if that does not
# answer now; FILE becomes a link to it
connect() {
    device=/dev/nbd$2
    say "reading $4 on demand, $(megabytes "$5")"
    tries_used=1
    until start_nbdkit "$1" "$(at_server "$4")" && connect_device "$1" "$device" "$5"; do
        stop_nbdkit "$1" "$device"
        [ "$tries_used" -lt "$retries" ] || fail "$3 could not be reached" \
            "url       $4" \
            "problem   $problem, after $tries_used tries" \
            "expected  $5 bytes, read in ranges" \
            "do        check that the service runs and that the image is in the catalog: packimage, nodeset"
        tries_used=$((tries_used + 1))
        tried=$(at_server "$4")
        pause=$(pause_before "$tries_used")
        next_server && pause=0
        say "$tried: $problem; try $tries_used of $retries in $pause s${serving:+ at $serving}"
        sleep "$pause"
    done
    ln -s "$device" "$6"
}

# start_nbdkit NAME URL: start it with what it says going to lazylog.sh. systemd spares processes whose names begin with
# @ (Storage Daemons for the Root File System), and the kernel those with the lowest score
start_nbdkit() {
    mkfifo "$lazy/$1.said"
    chroot "$lazy" /bin/busybox sh -c 'exec -a @/busybox /bin/busybox sh /lazylog.sh "$@"' sh "$1" "$2" &
    echo -1000 >"/proc/$!/oom_score_adj"
    until [ -e "$lazy/$1.up" ]; do
        usleep 20000
    done
}

# stop_nbdkit NAME DEVICE: end it; with it goes the shell that reads what it says
stop_nbdkit() {
    program nbd-client -d "$2" >/dev/null 2>&1
    kill "$(cat "$lazy/$1.up")" 2>/dev/null
    rm -f "$lazy/$1.said" "$lazy/$1.up" "$lazy/$1.socket"
}

# connect_device NAME DEVICE SIZE: ask the server once; if it does not answer, or with another size, `problem` says why
connect_device() {
    : >"$lazy/$1.problem"
    if program nbd-client -unix "$lazy/$1.socket" "$2" -b 4096 -readonly >/tmp/nbd-client 2>&1; then
        got=$(($(cat "/sys/block/${2##*/}/size") * 512))
        [ "$got" -ne "$3" ] || return 0
        problem="it has $got bytes there"
        return 1
    fi
    problem=$(tail -n 1 "$lazy/$1.problem")
    [ -n "$problem" ] || problem=$(tail -n 1 /tmp/nbd-client)
    return 1
}

# lazy_bytes: print how many bytes were read from the server up to now
lazy_bytes() {
    set +f
    cat /sys/block/nbd*/stat | awk '{ sectors += $3 } END { printf "%d\n", sectors * 512 }'
    set -f
}
