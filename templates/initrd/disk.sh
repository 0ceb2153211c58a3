# Read by init of the initrd: the kind of root that is called disk. Packed roots are kept on the local disk under their
# sha256, and mounted there as in memory. Each is checked after it was written, and before every boot from it.

# check_disk: only what is mounted needs no memory
check_disk() {
    is_archive && fail "a root that is an archive cannot lie on the disk" \
        "url       $url" \
        "do        packimage -m squashfs or -m erofs, or another rootkind"
    store=$root_store/roots
    mkdir -p "$store"
    layers_in=$store
    image=$store/$sha256
}

bring_disk() {
    fetched_bytes=0
    tries_used=1
    if make_room && keep_root "$image" "$sha256" "$size" "$url" "the root image" "$verity" && bring_layers; then
        fetched_uptime=$(uptime)
        return 0
    fi
    # Only here if the node may go on without the disk.
    kind=ram
    image=$run/image/root
    layers_in=
    as_kind check
    as_kind bring
}

bring_layers() {
    disk_trouble=
    each_layer bring_layer
    [ -z "$disk_trouble" ]
}

bring_layer() {
    [ -z "$disk_trouble" ] || return 0
    keep_root "$layer_file" "$layer_sha256" "$layer_size" "$layer_url" "$layer" "$layer_verity" || disk_trouble=yes
}

# make_room: remove the roots of other images if those of this one do not fit beside them
make_room() {
    missing=0
    wanted_roots=$sha256
    count_missing "$image" "$size"
    each_layer count_layer
    [ "$missing" -gt "$(free_bytes)" ] || return 0
    for entry in $(ls "$store"); do
        case " $wanted_roots " in *" ${entry%%.*} "*) ;; *) rm -f "$store/$entry" ;; esac
    done
    [ "$missing" -gt "$(free_bytes)" ] || return 0
    disk_fails "too little room on the disk for the image" \
        "needed    $(megabytes "$missing")" \
        "there are $(megabytes "$(free_bytes)") free on $(df -P "$store" | tail -n 1 | cut -d' ' -f1)" \
        "do        a larger partition for [rootspace], or a smaller image (exlist, pkglist)"
}

count_layer() {
    wanted_roots="$wanted_roots $layer_sha256"
    count_missing "$layer_file" "$layer_size"
}

count_missing() {
    [ -e "$1" ] || missing=$((missing + $2 - $(size_of "$1.part")))
}

free_bytes() {
    echo "$(($(df -P -k "$store" | tail -n 1 | awk '{ print $4 }') * 1024))"
}

# keep_root FILE SHA256 SIZE URL WHAT HASH: make sure that a packed root lies on the disk, whole and as it was published. A
# file without an end of its name was checked when it was written. HASH is its root hash, "" if it has no hash tree
keep_root() {
    if [ -e "$1" ]; then
        if is_as_written "$@"; then
            say "$5: on the disk, $(megabytes "$3") not fetched again"
            watch_root "$1" "$6"
            return 0
        fi
        say "$5: what is on the disk is damaged, and is fetched anew"
        rm -f "$1"
    fi
    rm -f "$1.suspect"
    [ ! -e "$1.part" ] || say "$5: writing it was interrupted after $(megabytes "$(size_of "$1.part")")"
    write_root "$@" && watch_root "$1" "$6"
}

# is_as_written FILE SHA256 SIZE URL WHAT HASH: whether a root on the disk can be used. With dm-verity that is found out
# when it is read, but after a boot that did not come to its end the whole is read now
is_as_written() {
    [ "$(size_of "$1")" = "$3" ] || return 1
    checks_later "$6" && [ ! -e "$1.suspect" ] && return 0
    [ "$(sha256sum "$1" 2>/dev/null | cut -d' ' -f1)" = "$2" ]
}

# checks_later HASH: whether dm-verity checks a root with this hash. A layer may have none over a root that has one
checks_later() {
    [ -n "$verity" ] && [ -n "$1" ]
}

# watch_root FILE HASH: the file is suspect until the system has started from it (watch.sh)
watch_root() {
    checks_later "$2" || return 0
    : >"$1.suspect" && sync
    echo "$1.suspect" >>"$run/suspects"
}

# write_root FILE SHA256 SIZE URL WHAT: fetch a root to the disk, read it back from there, and give it its name
write_root() {
    for attempt in 1 2; do
        had=$(size_of "$1.part")
        say "fetching $5, $4, to the disk, $(megabytes "$3")"
        fetch "$4" "$1.part" "$3" || {
            not_fetched "$@"
            return 1
        }
        fetched_bytes=$((fetched_bytes + $3 - had))
        say "fetched $(($3 - had)) bytes"
        sync
        echo 1 >/proc/sys/vm/drop_caches
        got=$(sha256sum "$1.part" 2>/dev/null | cut -d' ' -f1)
        if [ "$got" = "$2" ]; then
            mv "$1.part" "$1" && sync && return
        fi
        rm -f "$1.part"
        # What an interrupted boot has left may be wrong; a whole one that is wrong was not published so.
        [ "$had" -gt 0 ] || break
        say "$5: what an interrupted boot has left of it is wrong; fetching all of it"
    done
    if [ -n "$(kernel_complaint "$disk")" ]; then
        disk_fails "the disk does not give back what was written to it" \
            "disk      $(describe_disk "$disk")" \
            "kernel    $(kernel_complaint "$disk")" \
            "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
        return 1
    fi
    refuse "$5" "$4" "expected  sha256 $2" "got       sha256 $got"
}

# not_fetched FILE SHA256 SIZE URL WHAT: tell a disk that fails from a server that does
not_fetched() {
    case $problem in
        *[Nn]o\ space* | *[Rr]ead-only* | *nput/output*)
            disk_fails "$5 cannot be written to the disk" \
                "problem   $problem" \
                "kernel    $(kernel_complaint "$disk")" \
                "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
            return
            ;;
    esac
    fail "$5 could not be fetched" \
        "url       $4" \
        "problem   $problem, after $tries_used tries" \
        "expected  $3 bytes" \
        "got       $(size_of "$1.part") bytes" \
        "do        check that the service runs and that the image is in the catalog: packimage, nodeset"
}

verify_disk() {
    [ -n "$verity" ] && verify_root || say "verified, sha256 $sha256"
}

mount_disk() {
    mount_roots writable_on_disk
}

# writable_on_disk: where the system writes: memory, or a directory of the disk that is new at each boot, or, if it is to
# be kept, at each new image
writable_on_disk() {
    case $root_overlay in
        disk | keep) ;;
        *)
            writable_in_memory
            return
            ;;
    esac
    writable=$root_store/writable
    [ "$root_overlay" = keep ] && [ "$(cat "$writable/of" 2>/dev/null)" = "$digest" ] || {
        rm -rf "$writable"
        mkdir "$writable"
        echo "$digest" >"$writable/of"
    }
    mount -o bind "$writable" "$run/rw"
}
