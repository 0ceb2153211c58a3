# Read by init of the initrd: the kind of root that is called tmpfs. The packed root and its layers are fetched as for ram,
# unpacked into memory, and given back.

kept="--xattrs --xattrs-include=* --acls --numeric-owner"

# check_tmpfs: for a moment the image is there twice
check_tmpfs() {
    if is_archive; then
        check_ram
    else
        check_memory $((size + layers_size + unpacked)) "the image, packed and unpacked"
    fi
}

bring_tmpfs() {
    bring_ram
}

verify_tmpfs() {
    verify_ram
}

mount_tmpfs() {
    if is_archive; then
        unpack_root
    else
        mount_memory
        copy_packed
    fi
}

# copy_packed: copy what the packed root and its layers hold together to the root, and give the memory of those back
copy_packed() {
    mount_stack
    from=$run/root
    if [ "$layer_count" -gt 0 ]; then
        from=$run/stack
        mkdir -p "$from"
        mount -t overlay -o "ro,lowerdir=$stack" stack "$from" || fail "the layers of the root cannot be mounted" \
            "do        see the messages of the kernel above"
    fi
    copy_tree "$from" "$root" 2>/tmp/unpack || {
        refuse_corrupted
        fail_unpacking
    }
    refuse_corrupted
    give_back
    say "unpacked $(df -h "$root" | tail -n 1 | awk '{ print $3 }')"
}

# copy_tree FROM TO: copy a tree with all that its files have: owners, links, attributes such as capabilities
copy_tree() (
    set -o pipefail
    program tar -c -C "$1" --one-file-system $kept . | program tar -x -p -C "$2" --same-owner $kept -f -
)

# give_back: remove what was mounted of the packed root; nothing needs dm-verity any more
give_back() {
    [ "$from" = "$run/root" ] || umount "$from"
    each_layer give_back_layer
    give_back_device root "$run/root"
    wait "${hasher:-}" 2>/dev/null
    umount "$run/image" || fail "the packed root cannot be given back" "do        see the messages of the kernel above"
    verity=
}

give_back_layer() {
    give_back_device "layer$layer_number" "$run/layer$layer_number"
}

# give_back_device NAME DIRECTORY: unmount a packed root, and let go of the devices below it
give_back_device() {
    umount "$2"
    [ -e "/tmp/verity.$1" ] || return 0
    program dmsetup remove --noudevsync "$1"
    losetup -d "$(sed -n 2p "/tmp/verity.$1")"
    rm "/tmp/verity.$1"
}
