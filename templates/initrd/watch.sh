# Read by busybox sh on a node whose root dm-verity checks, from sbkernel-watch.service: tells the server of the first
# wrong block, and the next boot, if the root lies on the local disk. The kernel gives its log from the begin, a record
# each time it is read.
set -u
busybox=/run/sbkernel/busybox
. /run/sbkernel/boot

# suspects COMMAND ...: run a command for each root on the local disk, which the next boot reads as a whole if it is suspect
suspects() {
    [ -e /run/sbkernel/suspects ] || return 0
    while read -r suspect; do
        $busybox "$@" "$suspect"
    done </run/sbkernel/suspects
    $busybox sync
}

encoded() {
    printf '%s' "$1" | $busybox od -An -v -tx1 | $busybox tr -d '\n' | $busybox tr ' ' '%'
}

tell() {
    reason=$(encoded "the root image is not the one that was published: dm-verity: $1")
    body="node=$(encoded "$node")&stage=failed&uptime=$($busybox cut -d' ' -f1 /proc/uptime)&image=$image&reason=$reason"
    try=1
    until $busybox timeout 5 $busybox wget -q -O /dev/null --post-data "$body" "http://$server/status" 2>/dev/null; do
        [ "$try" -lt 150 ] || return 1
        try=$((try + 1))
        $busybox sleep 2
    done
}

suspects rm -f # all that it took to come here was right
$busybox mkfifo /run/sbkernel/log
while :; do
    $busybox dd if=/dev/kmsg of=/run/sbkernel/log bs=8192 2>/dev/null &
    reader=$!
    while read -r record; do
        case $record in
            *verity:*" is corrupted"*)
                suspects touch
                [ -z "$server" ] || tell "${record##*: }"
                kill "$reader"
                exit 0
                ;;
        esac
    done </run/sbkernel/log
    wait "$reader"
    $busybox sleep 1 # the log was overwritten before it was read
done
