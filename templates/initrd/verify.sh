# Read by init of the initrd: whether the root is the one that was published. With the site's key in the initrd, what was
# signed tells whether the command line is true. Then dm-verity checks each block of the root that is read; where it
# cannot, the sum of the whole root is made before any of it is used.

site_key=/lib/sbkernel/site.pub
block=4096
sums_most=1048576
signed=

# check_signature: no word of the command line makes it unnecessary once the initrd has a key
check_signature() {
    if [ ! -e "$site_key" ]; then
        [ -z "$(argument sbkernel.signed)" ] || fail "the image is signed, but its initrd has no key to check that" \
            "do        find out who changed the initrd; packimage and nodeset publish a good one"
        return 0
    fi
    directory=${url%%[?]*}
    directory=${directory%/*/*}/$digest
    for name in sums sums.sig; do
        fetch "$directory/$name" "/tmp/$name" 0 "$sums_most" || fail "the image has no signature" \
            "url       $directory/$name" \
            "problem   $problem, after $tries_used tries" \
            "do        packimage with the key of the site: sb keys show"
    done
    program minisign -V -p "$site_key" -x /tmp/sums.sig -m /tmp/sums >/tmp/minisign 2>&1 ||
        fail "the signature of the image is wrong" \
            "url       $directory/sums.sig" \
            "problem   $(tail -n 1 /tmp/minisign)" \
            "do        find out who changed it; packimage and nodeset publish a good one"
    asked=$(asked_roots)
    published=$(signed_roots)
    [ "$asked" = "$published" ] || fail "the image that was signed is another one" \
        "asked for $(echo "$asked" | tr '\n' ';')" \
        "signed is $(echo "$published" | tr '\n' ';')" \
        "do        find out who changed it; packimage and nodeset publish a good one"
    signed=$(sed -n '1s/.* //p' "$site_key")
    say "signed with the key $signed of the site"
}

# asked_roots: print what the command line says: the image, then sha256, size and root hash of each root, bottom first
asked_roots() {
    echo "image $digest"
    echo "root $sha256 $size $(argument sbkernel.verity -)"
    each_layer asked_layer
}

asked_layer() {
    echo "root $layer_sha256 $layer_size ${layer_verity:--}"
}

# signed_roots: print the same of what was signed; what a root is called there does not matter
signed_roots() {
    awk '$1 == "image" { print } $1 == "root" { print $1, $3, $4, $5 }' /tmp/sums
}

# choose_check: sets verity, the root hash, if dm-verity can check the root; else its sum has to be made
choose_check() {
    verity=$(argument sbkernel.verity)
    [ -n "$verity" ] || return 0
    problem=$(why_no_verity)
    [ -n "$problem" ] || return 0
    say "dm-verity cannot check the root: $problem. Its sha256 is made instead"
    verity=
}

why_no_verity() {
    if is_archive; then
        echo "it is an archive"
    elif [ ! -e "$programs/dmsetup" ]; then
        echo "the initrd has no dmsetup"
    else
        modprobe -aq dm_mod dm_verity
        program dmsetup targets 2>/dev/null | grep -q '^verity ' || echo "the kernel does not have it"
    fi
}

# verify_root: use the checksum made during the transfer if one try was enough; else read the whole image again
verify_root() {
    if [ -n "$verity" ]; then
        say "dm-verity checks what is read, root hash $verity"
        return 0
    fi
    if [ "$tries_used" = 1 ]; then
        wait "$hasher"
        got=$(cat /tmp/sha256)
    else
        got=$(sha256sum "$image" | cut -d' ' -f1)
    fi
    [ "$got" = "$sha256" ] || refuse "the root image" "$url" "expected  sha256 $sha256" "got       sha256 $got"
    say "verified, sha256 $sha256"
}

# refuse WHAT URL DETAIL ...: end the boot, because of the bytes of the root or of a layer
refuse() {
    refused=$1
    refused_url=$2
    shift 2
    fail "$refused is not the one that was published" \
        "url       $refused_url" \
        "$@" \
        "do        find out who changed the file; packimage and nodeset publish a good one"
}

# report_verified: tell the server what the root was checked by
report_verified() {
    [ -n "$verity" ] && checked="verity=$verity" || checked="sha256=$sha256"
    report verified "$checked" ${signed:+"signed=$signed"}
}

# data_blocks BLOCKS: print how many blocks of a file are data; behind them is their hash tree, 128 hashes a block
data_blocks() {
    data=$(($1 * 127 / 128 - 5))
    [ "$data" -ge 1 ] || data=1
    while [ "$data" -le "$1" ]; do
        level=$data
        all=$data
        while [ "$level" -gt 1 ]; do
            level=$(((level + 127) / 128))
            all=$((all + level))
        done
        [ "$all" -lt "$1" ] || break
        data=$((data + 1))
    done
    echo "$data"
    [ "$all" = "$1" ]
}

# verity_device NAME FILE SIZE HASH: print the device on which dm-verity checks what is read of a file. Also over a block
# device, loop keeps in memory, as long as there is room, what was read: squashfs reads its tables again and again
verity_device() {
    data=$(data_blocks "$(($3 / block))") || return 1
    device=$(losetup -f) && losetup -r "$device" "$2" || return 1
    printf '%s\n' "$(cat "/sys/block/${device##*/}/dev")" "$device" >"/tmp/verity.$1"
    export DM_DISABLE_UDEV=1 # there is none here: dmsetup has to make the device by itself
    program dmsetup create "$1" --readonly --table \
        "0 $((data * block / 512)) verity 1 $device $device $block $block $data $data sha256 $4 -" >&2 || return 1
    echo "/dev/mapper/$1"
}

# checked_source NAME FILE SIZE HASH: print what to mount: the file, or the device on which dm-verity checks it
checked_source() {
    if [ -z "$verity" ] || [ -z "$4" ]; then
        echo "$2"
    else
        verity_device "$@"
    fi
}

# refuse_corrupted: end the boot if dm-verity has found a wrong block in what was read up to now. The kernel calls what
# it has read by the number of the device below, such as 7:0
refuse_corrupted() {
    [ -n "$verity" ] || return 0
    found=$(dmesg | sed -n 's/.*verity: \([0-9]*:[0-9]*\): \(.* is corrupted\).*/\1 \2/p' | head -n 1)
    [ -n "$found" ] || return 0
    corrupted="the root image"
    corrupted_url=$url
    each_layer is_corrupted
    refuse "$corrupted" "$corrupted_url" "problem   dm-verity: ${found#* }"
}

is_corrupted() {
    [ "$(sed -n 1p "/tmp/verity.layer$layer_number" 2>/dev/null)" = "${found%% *}" ] || return 0
    corrupted=$layer
    corrupted_url=$layer_url
}

# leave_watch: a unit that tells the server of a wrong block that is read later. systemd looks for units in /run, too
leave_watch() {
    [ -n "$verity" ] || return 0
    cp /lib/sbkernel/watch.sh "$run/watch"
    units=/run/systemd/system
    mkdir -p "$units/sysinit.target.wants"
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n\n[Service]\nExecStart=%s\n' \
        "Tell the server of wrong blocks of the root" "$run/busybox sh $run/watch" >"$units/sbkernel-watch.service"
    ln -s ../sbkernel-watch.service "$units/sysinit.target.wants/"
}
