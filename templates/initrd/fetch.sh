# Read by init of the initrd: fetches files over HTTP. The number of tries is limited, and each continues the last one.

servers=
serving=

size_of() {
    stat -c %s "$1" 2>/dev/null || echo 0
}

megabytes() {
    echo "$((($1 + 524288) / 1048576)) MB"
}

# watch_transfer PROCESS FILE SIZE: end a transfer that brings nothing for stall_s seconds; show its progress
watch_transfer() {
    before=-1
    idle=0
    seconds=0
    while [ "$idle" -lt "$stall_s" ]; do
        sleep 1
        now=$(size_of "$2")
        [ "$now" = "$before" ] && idle=$((idle + 1)) || idle=0
        before=$now
        seconds=$((seconds + 1))
        [ $((seconds % 10)) = 0 ] && [ "$3" -gt 0 ] && say "$(megabytes "$now") of $(megabytes "$3")"
    done
    echo "nothing came for $stall_s s" >/tmp/stalled
    kill "$1"
}

# limited MOST COMMAND ...: run a command that can write no file much longer than MOST bytes (its limit is in blocks of 512),
# so that whoever answers for the server cannot fill the memory
limited() {
    [ "$1" -eq 0 ] || ulimit -f "$(($1 / 512 + 2))"
    shift
    exec "$@"
}

# transfer URL FILE SIZE MOST: try once; if that fails, `problem` says why
transfer() {
    rm -f /tmp/stalled
    limited "$4" wget -c -O "$2" "$1" >/tmp/wget 2>&1 &
    process=$!
    watch_transfer "$process" "$2" "$3" &
    watcher=$!
    wait "$process"
    status=$?
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    have=$(size_of "$2")
    problem=$(cat /tmp/stalled 2>/dev/null || sed -n 's/^wget: //p' /tmp/wget | tail -n 1)
    if [ "$4" -gt 0 ] && [ "$have" -gt "$4" ]; then
        rm -f "$2"
        problem="more than $4 bytes came"
        return 1
    fi
    if [ "$3" -gt 0 ]; then
        [ "$have" -eq "$3" ] && return 0
        problem=${problem:-"the connection closed after $have of $3 bytes"}
        return 1
    fi
    return "$status"
}

# pause_before TRY: print the seconds to wait. They double up to 15, so that a server that comes back is found soon
pause_before() {
    pause=1
    n=2
    while [ "$n" -lt "$1" ] && [ "$pause" -lt 15 ]; do
        pause=$((pause * 2))
        n=$((n + 1))
    done
    [ "$pause" -le 15 ] || pause=15
    echo "$pause"
}

# read_servers: take the servers of this node from the command line, the nearest first; where it names none, all URLs
# stay as they are. Each of them gets as many tries as one server would
read_servers() {
    servers=$(argument sbkernel.servers | tr , ' ')
    serving=${servers%% *}
    for name in ${servers#"$serving"}; do
        retries=$((retries + $(argument sbkernel.retries 12)))
    done
}

# at_server URL: print the URL that the server in use has for it
at_server() {
    [ -n "$serving" ] && echo "${1%%://*}://$serving/${1#*://*/}" || echo "$1"
}

# next_server: use the next server, and after the last one the first again; fails then, and if there are no others.
# It takes the reports, too
next_server() {
    [ -n "$serving" ] || return 1
    rest=" $servers "
    rest=${rest#*" $serving "}
    serving=${rest%% *}
    serving=${serving:-${servers%% *}}
    [ -z "$server" ] || server=$serving
    [ "$serving" != "${servers%% *}" ]
}

# fetch URL FILE SIZE [MOST]: try several times, each time at the next server; SIZE 0 means unknown, and then that it has
# at most MOST bytes. Sets tries_used and, if it fails, problem
fetch() {
    tries_used=1
    until transfer "$(at_server "$1")" "$2" "$3" "${4:-$3}"; do
        [ "$tries_used" -lt "$retries" ] || return 1
        tries_used=$((tries_used + 1))
        tried=$(at_server "$1")
        pause=$(pause_before "$tries_used")
        next_server && pause=0
        # What has no sum may be another file at another server: only the whole of one is right.
        [ -z "$serving" ] || [ "$3" -gt 0 ] || rm -f "$2"
        say "$tried: $problem; $(size_of "$2") bytes so far, try $tries_used of $retries in $pause s${serving:+ at $serving}"
        sleep "$pause"
    done
}

# hash_while_written FILE WHOLE: print the sha256 of a file that still grows; it is complete once WHOLE exists. All reads
# share one position in the file
hash_while_written() {
    {
        until [ -e "$2" ]; do
            cat
            usleep 200000
        done
        cat
    } <"$1" | sha256sum | cut -d' ' -f1
}
