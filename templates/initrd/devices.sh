# Read by init of the initrd: the disks of this node, and which of them is meant. There is no udev here, so what it would
# call a disk is read from sysfs.

sys=/sys
dev=/dev
scratch=/tmp
mib=1048576

# all_disks: print the names of all disks that hold anything, in the order of where they are plugged in: sda may be
# another one at the next boot
all_disks() {
    for entry in $(ls "$sys/block"); do
        is_disk "$entry" && printf '%s %s\n' "$(readlink -f "$sys/block/$entry")" "$entry"
    done | sort | cut -d' ' -f2
}

is_disk() {
    case $1 in
        loop* | ram* | zram* | dm-* | md* | sr* | fd* | nbd* | *boot[0-9] | *rpmb) return 1 ;;
    esac
    [ -e "$sys/block/$1/device" ] && [ "$(cat "$sys/block/$1/size")" -gt 0 ]
}

# fixed_disks: print those that nobody plugs in and out; a BMC shows its virtual ones on USB
fixed_disks() {
    for entry in $(all_disks); do
        [ "$(cat "$sys/block/$entry/removable")" = 0 ] || continue
        case $(readlink -f "$sys/block/$entry") in
            */usb*) ;;
            *) echo "$entry" ;;
        esac
    done
}

disk_bytes() {
    echo "$(($(cat "$sys/block/$1/size") * 512))"
}

# disk_names DISK: print what udev calls a disk, its short name first
disk_names() {
    echo "/dev/$1"
    by_path "$1" | sed 's,^,/dev/disk/by-path/,'
    by_id "$1" | sed 's,^,/dev/disk/by-id/,'
}

# by_path DISK: print where it is plugged in (udev-builtin-path_id.c)
by_path() {
    at=$(readlink -f "$sys/block/$1")
    slot=$(echo "$at" | grep -o '/[0-9a-f]\{4\}:[0-9a-f]\{2\}:[0-9a-f]\{2\}\.[0-9a-f]' | tail -n 1 | tr -d /)
    [ -n "$slot" ] || return 0
    case $at in
        */nvme/*) echo "pci-$slot-nvme-$(cat "$sys/block/$1/nsid")" ;;
        */end_device-*) sas_address "$at" | sed "s/^/pci-$slot-/" ;;
        */ata[0-9]*/host*)
            port=${at##*/ata}
            echo "pci-$slot-ata-$(cat "$sys/class/ata_port/ata${port%%/*}/port_no")"
            ;;
        */host[0-9]*) echo "pci-$slot-scsi-$(scsi_address "$at")" ;;
        *) printf '%s\n' "pci-$slot" "virtio-pci-$slot" ;;
    esac
}

# scsi_address PATH: print HOST:CHANNEL:TARGET:LUN, hosts being counted from the first one of their controller
scsi_address() {
    controller=${1%%/host[0-9]*}
    first=$(ls "$controller" | sed -n 's/^host\([0-9]*\)$/\1/p' | sort -n | head -n 1)
    address_of=${1%/block/*}
    address_of=${address_of##*/}
    echo "$((${address_of%%:*} - first)):${address_of#*:}"
}

# sas_address PATH: print the phy that a disk is plugged into, of the controller or of an expander; behind a port of several
# phys, the address of the disk
sas_address() {
    lun=${1%/block/*}
    lun=${lun##*:}
    end_device=${1%/target*}
    port=${end_device%/*}
    behind=${port%/*}
    behind=${behind##*/}
    about=$sys/class/sas_device/${end_device##*/}
    [ -e "$about" ] && [ -e "$sys/class/sas_port/${port##*/}" ] || return 0
    if [ "$(cat "$sys/class/sas_port/${port##*/}/num_phys")" != 1 ]; then
        echo "sas-$(cat "$about/sas_address")-lun-$lun"
    elif [ -e "$sys/class/sas_device/$behind" ]; then
        echo "sas-exp$(cat "$sys/class/sas_device/$behind/sas_address")-phy$(cat "$about/phy_identifier")-lun-$lun"
    else
        echo "sas-phy$(cat "$about/phy_identifier")-lun-$lun"
    fi
}

# by_id DISK: print which one it is, whatever it is plugged into
by_id() {
    about=$sys/block/$1
    serial=$(cat "$about/serial" 2>/dev/null | plain)
    [ -z "$serial" ] || echo "virtio-$serial"
    case $1 in
        nvme*)
            echo "nvme-$(plain <"$about/device/model")_$(plain <"$about/device/serial")"
            [ ! -s "$about/wwid" ] || echo "nvme-$(plain <"$about/wwid")"
            return
            ;;
    esac
    naa=$(sed -n 's/^naa\.//p' "$about/device/wwid" 2>/dev/null)
    [ -z "$naa" ] || echo "wwn-0x$naa"
    # The model has 40 characters and the serial number 20 (SAT-4, 12.4.2).
    [ -e "$about/device/vpd_pg83" ] || return 0
    ata=$(tr -c ' -~' '\n' <"$about/device/vpd_pg83" | grep -o 'ATA     .\{60\}')
    if [ -n "$ata" ]; then
        echo "ata-$(echo "$ata" | cut -c9-48 | plain)_$(echo "$ata" | cut -c49-68 | plain)"
    elif [ -n "$naa" ]; then
        echo "scsi-3$naa" # 3 is the type of the designator (scsi_id)
    fi
}

# plain: pass a text on as udev writes it
plain() {
    sed 's/^ *//; s/ *$//; s/  */_/g'
}

# describe_disk DISK: print it as the messages show it, with a name that stays
describe_disk() {
    echo "$1, $(megabytes "$(disk_bytes "$1")"), $(disk_names "$1" | tail -n 1)"
}

list_disks() {
    for entry in $(all_disks); do
        describe_disk "$entry"
    done | tr '\n' ';'
}

# fitting_disks WORD: print the disks that a word of the layout can mean
fitting_disks() {
    case $1 in
        only) fixed_disks ;;
        first) fixed_disks | head -n 1 ;;
        size:*)
            range=${1#size:}
            for entry in $(fixed_disks); do
                bytes=$(disk_bytes "$entry")
                [ "$bytes" -ge "${range%-*}" ] || continue
                [ -n "${range#*-}" ] && [ "$bytes" -gt "${range#*-}" ] || echo "$entry"
            done
            ;;
        *)
            for entry in $(all_disks); do
                disk_names "$entry" | grep -qxF -e "$1" && echo "$entry"
            done
            ;;
    esac
}

# note_disks: look which disks the drivers have found. What happens until they are needed is time to find more
note_disks() {
    disks_seen=
    case $command_line in *sbkernel.disk=*) disks_seen=$(all_disks) ;; esac
    disks_seen_at=$(uptime)
}

# await_disks WORD: wait until the disk that a word means is there; where others may still come, until none does
await_disks() {
    case $1 in
        /*)
            wait_for "$disk_wait" fitting_disks "$1" >/dev/null
            return
            ;;
    esac
    wait_for "$disk_wait" all_disks >/dev/null || return
    # SCSI looks for disks one after the other, and does not say when it has found all.
    [ -n "$(ls "$sys/class/scsi_host" 2>/dev/null)" ] && pause=3 || pause=1
    while :; do
        now=$(all_disks)
        if [ "$now" != "$disks_seen" ]; then
            disks_seen=$now
            disks_seen_at=$(uptime)
        fi
        now=$(uptime)
        [ $((${now%.*} - ${disks_seen_at%.*})) -le "$pause" ] || return 0
        sleep 1
    done
}

# find_disk WORD: set disk. One that is not certainly the one that is meant is never chosen
find_disk() {
    await_disks "$1"
    disk=$(fitting_disks "$1")
    case $(echo "$disk" | wc -w) in
        1) return 0 ;;
        0) why="no disk of this node is dev=$1" ;;
        *) why="several disks of this node can be dev=$1, and it is not for chance to choose one" ;;
    esac
    disk_fails "$why" \
        "disks     $(list_disks)" \
        "do        name one of these in the partitionfile, then nodeset ${node:-NODE} osimage"
}

# partition_of DISK NUMBER: print the name of a partition
partition_of() {
    for entry in $(ls "$sys/block/$1"); do
        [ "$(cat "$sys/block/$1/$entry/partition" 2>/dev/null)" = "$2" ] && echo "$entry" && return
    done
    return 1
}

# probe DEVICE: set holds to what is on a disk or a partition, as blkid(8) prints it. Return 2 if that is nothing
probe() {
    holds=$(program blkid -p -o export "$1" 2>/dev/null)
}

# probed FIELD: print a field of what probe has found
probed() {
    echo "$holds" | sed -n "s/^$1=//p"
}

# is_blank DEVICE: whether its first megabyte is empty. Return 2 if it cannot be read
is_blank() {
    dd if="$1" of="$scratch/begin" bs=65536 count=16 2>/dev/null || return 2
    [ -z "$(tr -d '\0' <"$scratch/begin" | head -c 1)" ]
}

# kernel_complaint DISK: print the last that the kernel said about a disk, if that was an error
kernel_complaint() {
    dmesg | grep -w "$1" | grep -i 'error' | tail -n 1
}
