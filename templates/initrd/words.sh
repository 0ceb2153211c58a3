# Read by init of the initrd: its messages. `say` writes to the consoles, `report` tells the server, and `fail` does both
# and ends the boot. All lines also go to the kernel's log, from which the journal of the booted node gets them.

uptime() {
    cut -d' ' -f1 /proc/uptime
}

consoles() {
    cat /sys/class/tty/console/active 2>/dev/null || echo console
}

print() {
    for tty in $(consoles); do
        printf '%s\n' "$*" 2>/dev/null >"/dev/$tty"
    done
}

say() {
    line=$(printf 'sbkernel [%8.2f] %s' "$(uptime)" "$*")
    print "$line"
    printf '<7>sbkernel: %s\n' "$*" 2>/dev/null >/dev/kmsg
}

# argument NAME [DEFAULT]: the last value of NAME= on the kernel's command line
argument() {
    value=${2-}
    for word in $command_line; do
        case $word in "$1="*) value=${word#*=} ;; esac
    done
    printf '%s\n' "$value"
}

# flag NAME: whether NAME is on the kernel's command line, with or without a value
flag() {
    for word in $command_line; do
        case $word in "$1" | "$1="*) return 0 ;; esac
    done
    return 1
}

url_encoded() {
    printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%'
}

# post: send `body` to the server, else to the next one that takes it
post() {
    refused=
    for one in $server $servers; do
        [ "$one" != "$refused" ] || continue
        timeout "$patience" wget -q -O /dev/null --post-data "$body" "http://$one/status" 2>/dev/null && server=$one && return
        refused=$one
    done
    return 1
}

# start_reporter: post what report writes, one after the other, because the server takes the last post as the newest
start_reporter() {
    mkfifo /tmp/reports
    patience=5
    while read -r body && [ "$body" != end ]; do
        post && patience=5 || patience=1
    done </tmp/reports &
    reporter=$!
    exec 3>/tmp/reports
}

# report STAGE [FIELD=VALUE ...]: tell the server in the background. If it does not answer, the boot loses a few seconds
report() {
    [ -n "$server" ] && [ -n "$address" ] || return 0
    [ -n "$reporter" ] || start_reporter
    body="node=$(url_encoded "$node")&stage=$1&uptime=$(uptime)&image=$digest"
    shift
    for field in "$@"; do
        body="$body&${field%%=*}=$(url_encoded "${field#*=}")"
    done
    printf '%s\n' "$body" >&3
}

finish_reports() {
    [ -n "$reporter" ] || return 0
    echo end >&3
    exec 3>&-
    wait "$reporter"
    reporter=
}

# fail REASON ["NAME  VALUE" ...]: end this boot. Print the reason in one block, tell the server, and stop here: nothing
# that is not verified is ever started.
fail() {
    trap - EXIT
    reason=$1
    shift
    report failed reason="$reason"
    print ""
    print "************************************************************************"
    print "sbkernel: ${node:-this node} did not boot, $(uptime) s after the kernel started"
    print "  reason    $reason"
    for detail in "$@"; do
        print "  $detail"
    done
    print "  again     rpower ${node:-NODE} boot"
    print "************************************************************************"
    printf '<7>sbkernel: failed: %s\n' "$reason" 2>/dev/null >/dev/kmsg
    finish_reports
    stay
}

stay() {
    seconds=$(argument sbkernel.reboot 0)
    if [ "$seconds" -gt 0 ] 2>/dev/null; then
        print "  sbkernel.reboot is set: the next try is in $seconds s"
        sleep "$seconds"
        reboot -f
    fi
    while flag sbkernel.shell; do
        print "  sbkernel.shell is set: a shell"
        setsid cttyhack sh
    done
    print "  the node stays here with its power on; sbkernel.shell on its command line would give a shell"
    while :; do
        sleep 3600
    done
}
