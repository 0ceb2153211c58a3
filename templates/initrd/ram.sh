# Read by init of the initrd: the kind of root that is called ram. The packed root and its layers lie in memory and are
# mounted there; an archive is unpacked into memory.

check_ram() {
    is_archive && [ "$unpacked" -gt "$size" ] && resident=$unpacked || resident=$size
    check_memory $((resident + layers_size)) "the image"
}

bring_ram() {
    fetch_root
    fetch_layers
    fetched_bytes=$(($(size_of "$image") + layers_size))
}

verify_ram() {
    verify_root
    verify_layers
}

mount_ram() {
    if is_archive; then
        unpack_root
    else
        mount_roots writable_in_memory
    fi
}

# check_memory BYTES WHAT: whether so much of the image finds room in memory; the system needs some more to start
check_memory() {
    available=$(memory MemAvailable)
    needed=$(($1 + 67108864))
    [ "$available" -ge "$needed" ] || fail "too little memory for the image" \
        "needed    $(megabytes "$needed"): $(megabytes "$1") for $2, 64 MB to start" \
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

# mount_stack: mount the packed root and its layers; `stack` are their directories then
mount_stack() {
    mount_packed "$image" "$(root_name)" "$run/root" "$size" "$verity" || fail "the root image cannot be mounted" \
        "url       $url" \
        "do        see the messages of the kernel above"
    mount_layers
}

# mount_roots WRITABLE: mount them as one, and over them what the node writes: WRITABLE mounts a place for that at $run/rw
mount_roots() {
    mkdir -p "$run/rw"
    mount_stack
    "$1"
    mkdir -p "$run/rw/upper" "$run/rw/work"
    mount -t overlay -o "lowerdir=$stack,upperdir=$run/rw/upper,workdir=$run/rw/work" root "$root" ||
        fail "the root cannot be made writable" "do        see the messages of the kernel above"
}

writable_in_memory() {
    limit=$(argument rootlimit)
    mount -t tmpfs -o "mode=755${limit:+,size=$limit}" rw "$run/rw" || fail "the root cannot have the size $limit" \
        "do        correct rootlimit"
}

# root_limit: print how large an unpacked root may grow, by default into half of the memory that it leaves at first
root_limit() {
    argument rootlimit "$((($(memory MemTotal) + unpacked) / 2048))k"
}

mount_memory() {
    limit=$(root_limit)
    mount -t tmpfs -o "mode=755,size=$limit" root "$root" || fail "the root cannot have the size $limit" \
        "do        correct rootlimit"
    bind_directories
    say "unpacking to $root, at most $limit"
}

# unpack_root: unpack an archive into memory
unpack_root() {
    mount_memory
    unpack_archive
}

unpack_archive() {
    # If the fetch took several tries, nobody has waited for its sum, and it still reads the file.
    wait "$hasher"
    cut_up "$image"
    unpack "$image" "$root" "$(root_name)" 2>/tmp/unpack || fail_unpacking
    umount "$run/image"
    say "unpacked $(df -h "$root" | tail -n 1 | awk '{ print $3 }')"
}

fail_unpacking() {
    fail "the root image cannot be unpacked" \
        "url       $url" \
        "problem   $(grep -m 1 'No space' /tmp/unpack || head -n 1 /tmp/unpack)" \
        "there are $(df -h "$root" | tail -n 1 | awk '{ print $4 " of " $2 }') free in the root" \
        "do        a larger rootlimit, a smaller image (exlist, pkglist) or a node with more memory"
}
