# Read by init of the initrd: partitions and file systems of local disks, made before the root is filled. What is to be
# made are words of the command line, sbkernel.disk=DISK,TABLE,RULE,SPAN:TYPE:RULE:USE[,...] (netboot/localdisk.py). What
# somebody else has written is destroyed only if a RULE says so.

disk_directories=
disk_said=
root_store=
root_overlay=ram
mark=.sbkernel

# prepare_disks: make or find again all that the command line says. If that fails, the boot ends, or goes on in memory
prepare_disks() {
    disk_wait=$(argument sbkernel.diskwait 20)
    for disk_word in $command_line; do
        case $disk_word in sbkernel.disk=*) prepare_disk "${disk_word#*=}" || : ;; esac
    done
    [ "$kind" = disk ] && [ -z "$root_store" ] || return 0
    disk_fails "there is no disk for the root" \
        "expected  sbkernel.disk= with root+ram in it on the kernel's command line" \
        "do        nodeset ${node:-NODE} osimage" || kind=ram
}

# disk_fails REASON ["NAME  VALUE" ...]: end the boot, or return 1 where the site wants such a node to go on in memory
disk_fails() {
    [ "$(argument sbkernel.diskfail stop)" = ram ] || fail "$@"
    disk_said=$1
    say "$1; the node goes on in memory, as onerror=ram of its partitionfile says"
    shift
    for detail in "$@"; do
        say "  $detail"
    done
    return 1
}

prepare_disk() {
    rest=$1,
    for field in wanted table rule; do
        eval "$field=\${rest%%,*}"
        rest=${rest#*,}
    done
    parts=$(echo "$rest" | tr , ' ')
    [ -e "$programs/blkid" ] || {
        disk_fails "the initrd has no programs for disks" \
            "do        genimage, packimage and nodeset again, with the partitionfile in the osimage"
        return 1
    }
    find_disk "$wanted" || return 1
    say "disk $(describe_disk "$disk")"
    is_new=
    [ "$table" = none ] || settle_table || return 1
    number=0
    for part in $parts; do
        number=$((number + 1))
        rest=$part:
        for field in span type part_rule use; do
            eval "$field=\${rest%%:*}"
            rest=${rest#*:}
        done
        [ "$table" != none ] || number=$span
        settle_partition || return 1
    done
}

# settle_table: keep the partitions of the disk if they are of this layout, else make them if they may be made
settle_table() {
    look_at_disk || return 1
    case $disk_state/$rule in
        ours/keep | ours/clear)
            say "disk $disk: its partitions are kept"
            disk_said=kept
            ;;
        empty/* | */clear | */wipe) write_table ;;
        *)
            disk_fails "the disk $disk holds something that nobody said may be destroyed" \
                "disk      $(describe_disk "$disk")" \
                "holds     $(describe_content)" \
                "do        clear=yes in the partitionfile allows to destroy it; or name another disk there"
            ;;
    esac
}

# look_at_disk: set disk_state: ours, empty or other
look_at_disk() {
    disk_state=other
    is_blank "$dev/$disk"
    case $? in
        2)
            unreadable
            return 1
            ;;
        0) blank=yes ;;
        *) blank= ;;
    esac
    probe "$dev/$disk"
    if [ $? = 2 ]; then
        [ -z "$blank" ] || disk_state=empty
    elif [ "$(probed PTUUID)" = "$(layout_id)" ] && [ "$(probed PTTYPE)" != "" ]; then
        disk_state=ours
    fi
}

unreadable() {
    disk_fails "the disk $disk cannot be read" \
        "disk      $(describe_disk "$disk")" \
        "kernel    $(kernel_complaint "$disk")" \
        "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
}

# layout_id: print the identifier of the partition table that this layout gets: what makes its partitions is in it
layout_id() {
    sum=$({
        echo "$table"
        for one in $parts; do
            echo "${one%%:*}"
        done
    } | sha256sum)
    if [ "$table" = gpt ]; then
        echo "$sum" | sed 's/^\(....\)\(...\)\(...\)\(............\).*/5b6b6e65-\1-4\2-8\3-\4/'
    else
        echo "5b$(echo "$sum" | cut -c1-6)"
    fi
}

# describe_content: print what is on the disk
describe_content() {
    probe "$dev/$disk"
    what=$(probed PTTYPE)
    case $(probed PTUUID) in 5b6b6e65-*) what="the partitions of another layout from here" ;; esac
    what=$(echo "${what:+partitions ($what)} $(probed TYPE)" | plain | tr _ ' ')
    echo "${what:-data of an unknown kind}$(describe_partitions)"
}

describe_partitions() {
    for entry in $(ls "$sys/block/$disk"); do
        [ -e "$sys/block/$disk/$entry/partition" ] || continue
        probe "$dev/$entry"
        type_found=$(probed TYPE)
        label_found=$(probed LABEL)
        printf ', %s %s%s' "$entry" "${type_found:-of an unknown kind}" "${label_found:+ \"$label_found\"}"
    done
}

# lay_out: print the partitions of the layout for sfdisk(8), in whole megabytes. Return 1 if they do not fit
lay_out() {
    bytes=$(disk_bytes "$disk")
    sector=$(cat "$sys/block/$disk/queue/logical_block_size" 2>/dev/null || echo 512)
    usable=$(((bytes - mib) / mib * mib))
    printf 'label: %s\nlabel-id: %s%s\nunit: sectors\n' \
        "$([ "$table" = msdos ] && echo dos || echo gpt)" "$([ "$table" = msdos ] && echo 0x)" "$(layout_id)"
    end=$mib
    for one in $parts; do
        start=$end
        case $one in
            rest:*) stop=$usable ;;
            *%:*)
                stop=$((start + bytes / 100 * ${one%%\%*}))
                [ "$stop" -le "$usable" ] || stop=$usable
                ;;
            *-*:*)
                start=${one%%-*}
                stop=${one#*-}
                stop=${stop%%:*}
                ;;
            *) stop=$((start + ${one%%:*})) ;;
        esac
        start=$(((start + mib - 1) / mib * mib))
        [ "$start" -ge "$end" ] || start=$end
        end=$((stop / mib * mib))
        [ "$end" -gt "$start" ] && [ "$end" -le "$usable" ] || return 1
        printf 'start=%s, size=%s, type=%s\n' $((start / sector)) $(((end - start) / sector)) "$(type_code "$one")"
    done
}

# type_code PART: print what a partition table calls the content of a partition
type_code() {
    case $table/$1 in
        gpt/*:swap:*) echo 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F ;;
        gpt/*) echo 0FC63DAF-8483-4772-8E79-3D69D8477DE4 ;;
        *:swap:*) echo 82 ;;
        *) echo 83 ;;
    esac
}

write_table() {
    lay_out >"$scratch/table" || {
        disk_fails "the disk $disk is too small for its partitions" \
            "disk      $(describe_disk "$disk")" \
            "layout    $parts" \
            "do        correct parts= in the partitionfile, then nodeset ${node:-NODE} osimage"
        return 1
    }
    say "disk $disk: making its partitions; it held $([ "$disk_state" = empty ] && echo nothing || describe_content)"
    program sfdisk -q --wipe always --wipe-partitions always "$dev/$disk" <"$scratch/table" >"$scratch/sfdisk" 2>&1 &&
        wait_for 10 partition_of "$disk" "$(echo "$parts" | wc -w)" >/dev/null || {
        disk_fails "the partitions of the disk $disk cannot be made" \
            "disk      $(describe_disk "$disk")" \
            "problem   $(grep . "$scratch/sfdisk" || echo "none appears")" \
            "kernel    $(kernel_complaint "$disk")" \
            "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
        return 1
    }
    is_new=yes
    disk_said=made
}

# settle_partition: keep or make what is on a partition, and take it into use
settle_partition() {
    [ "$type" != - ] || return 0
    partition=$(partition_of "$disk" "$number") || {
        disk_fails "the disk $disk has no partition $number" \
            "disk      $(describe_disk "$disk")" \
            "holds     $(describe_content)" \
            "do        correct the partitionfile; enablepart=yes makes partitions"
        return 1
    }
    look_at_partition || return 1
    if [ "$type" = swap ]; then
        settle_swap
        return
    fi
    mountpoint=$run/disk/$partition
    mkdir -p "$mountpoint"
    if [ -n "$is_new" ] || [ "$part_rule" = wipe ] || { [ -z "$found" ] && may_fill; }; then
        make_filesystem
    else
        keep_filesystem
    fi || return 1
    case $use in
        '') umount "$mountpoint" ;;
        root*)
            root_store=$mountpoint
            root_overlay=${use#root+}
            ;;
        *)
            for directory in $(echo "$use" | tr + ' '); do
                disk_directories="$disk_directories $directory:$mountpoint"
            done
            ;;
    esac
}

# look_at_partition: set found to what is on it, "" for nothing
look_at_partition() {
    probe "$dev/$partition"
    case $? in
        0)
            found=$(probed TYPE)
            [ -n "$found" ] || found="partitions ($(probed PTTYPE))"
            ;;
        2)
            found=
            is_blank "$dev/$partition"
            [ $? -ne 2 ] || unreadable
            ;;
        *) found="data of several kinds" ;;
    esac
}

# may_fill: whether a partition on which nothing is found can be written to: it is of this layout, or empty
may_fill() {
    [ "$table" != none ] || is_blank "$dev/$partition"
}

settle_swap() {
    if [ "$table" = none ] && [ "$found" != swap ] && ! { [ -z "$found" ] && may_fill; }; then
        holds_other swap
        return 1
    fi
    mkswap -L sbkernel "$dev/$partition" >"$scratch/mkswap" 2>&1 && swapon "$dev/$partition" 2>>"$scratch/mkswap" || {
        disk_fails "the partition $partition cannot be used as swap" \
            "problem   $(tail -n 1 "$scratch/mkswap")" \
            "kernel    $(kernel_complaint "$disk")" \
            "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
        return 1
    }
    say "swap on $partition"
}

holds_other() {
    disk_fails "the partition $partition holds ${found:-data of an unknown kind} where $1 is wanted" \
        "disk      $(describe_disk "$disk")" \
        "holds     $(describe_content)" \
        "do        policy=wipe in the partitionfile allows to destroy it; or name another partition there"
}

make_filesystem() {
    modprobe -aq "$type"
    say "making $type on $partition"
    case $type in
        xfs) program mkfs.xfs -q -f -L sbkernel "$dev/$partition" ;;
        *) program mke2fs -q -F -t "$type" -L sbkernel "$dev/$partition" ;;
    esac >"$scratch/mkfs" 2>&1 </dev/null &&
        mount -t "$type" "$dev/$partition" "$mountpoint" 2>>"$scratch/mkfs" &&
        : >"$mountpoint/$mark" && sync || {
        disk_fails "no $type can be made on $partition" \
            "problem   $(tail -n 1 "$scratch/mkfs")" \
            "kernel    $(kernel_complaint "$disk")" \
            "do        replace the disk; onerror=ram in the partitionfile would boot the node without it"
        return 1
    }
}

# keep_filesystem: mount what is there. If its making was interrupted, it has no mark yet, and nobody has used it
keep_filesystem() {
    modprobe -aq "$type"
    if [ "$found" != "$type" ]; then
        holds_other "$type"
        return 1
    fi
    case $type in
        ext*) program e2fsck -p "$dev/$partition" >"$scratch/fsck" 2>&1 </dev/null ;;
        *) : >"$scratch/fsck" ;;
    esac
    if [ $? -ge 4 ] || ! mount -t "$type" "$dev/$partition" "$mountpoint" 2>>"$scratch/fsck"; then
        case $table/$use in
            none/*) ;;
            */root*)
                say "the file system on $partition is damaged; what it holds is fetched again: $(tail -n 1 "$scratch/fsck")"
                make_filesystem
                return
                ;;
        esac
        disk_fails "the file system on $partition is damaged" \
            "problem   $(tail -n 1 "$scratch/fsck")" \
            "kernel    $(kernel_complaint "$disk")" \
            "do        policy=wipe in the partitionfile makes it anew; without that file, the node boots and can look at it"
        return 1
    fi
    if [ "$table" != none ] && [ ! -e "$mountpoint/$mark" ]; then
        umount "$mountpoint"
        make_filesystem
        return
    fi
    say "kept: $type on $partition"
    disk_said=${disk_said:-kept}
}
