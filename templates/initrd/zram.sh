# Read by init of the initrd: the kind of root that is called zram. As tmpfs, but the memory of the root is compressed: it
# is a file system on a block device of the driver zram. Files that are removed give their memory back at once (discard).
# It takes a little more than the packed root does, as each page is compressed alone, but the node has a plain file system,
# on which containers may lay an overlay, and all that it writes is compressed, too.

. "$library/tmpfs.sh"
zram=/dev/zram0

check_zram() {
    modprobe -aq zram ext4
    [ -b "$zram" ] && grep -qw ext4 /proc/filesystems || fail "the kernel has no zram, or no ext4 to write on it" \
        "do        another rootkind, or an image with a kernel that has them"
    check_zram_memory
}

# check_zram_memory: what is in a root takes less than half of its size when it is compressed
check_zram_memory() {
    if is_archive; then
        check_memory $((size + layers_size)) "the image"
    else
        check_memory $((size + layers_size + unpacked / 2)) "the image, packed and unpacked"
    fi
}

bring_zram() {
    bring_ram
}

verify_zram() {
    verify_ram
}

mount_zram() {
    limit=$(root_limit)
    prepare_zram >/tmp/zram 2>&1 || fail "the root cannot have the size $limit in compressed memory" \
        "problem   $(tail -n 1 /tmp/zram)" \
        "do        correct rootlimit: a number of bytes, or with k, m, g or % behind it"
    bind_directories
    say "unpacking to $root on $zram, at most $limit"
    if is_archive; then
        unpack_archive
    else
        copy_packed
    fi
    say "compressed to $(megabytes "$(awk '{ print $3 }' /sys/block/zram0/mm_stat)")"
}

# prepare_zram: make a file system as large as the limit. ext2 needs no program beside busybox, and has no journal, for
# which nothing in memory has any use; one inode for each 4 KB is enough for any tree
prepare_zram() {
    for method in zstd lzo-rle; do
        echo "$method" >/sys/block/zram0/comp_algorithm && break
    done
    bytes_of "$limit" >/sys/block/zram0/disksize &&
        mke2fs -b 4096 -i 4096 -I 256 -m 0 "$zram" &&
        mount -t ext4 -o noatime,discard "$zram" "$root" &&
        rmdir "$root/lost+found"
}

# bytes_of SIZE: print the bytes of a size as tmpfs takes it
bytes_of() {
    number=${1%[kKmMgG%]}
    case $number in
        '' | *[!0-9]*)
            echo "$1: no size" >&2
            return 1
            ;;
    esac
    case $1 in
        *%) echo "$(($(memory MemTotal) / 100 * number))" ;;
        *[kK]) echo "$((number * 1024))" ;;
        *[mM]) echo "$((number * 1048576))" ;;
        *[gG]) echo "$((number * 1073741824))" ;;
        *) echo "$number" ;;
    esac
}
