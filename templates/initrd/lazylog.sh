# Read by busybox sh in the root of the programs that lazy.sh starts, with NAME and URL of one packed root: starts nbdkit for
# it and reads what it says. Before the root is there, that is why it could not be connected; afterwards, that reads wait.
# The kernel's log has it then, and with it every console and the journal.
set -uf
/bin/busybox --install -s /bin
export PATH=/bin
name=$1
url=$2
programs=/programs
# More than anybody waits for, as each comes two seconds after the last.
tries=2000000000

# serve: become nbdkit, under a name that systemd spares
serve() {
    set -- -r -f -U "/$name.socket" --filter="$programs/nbdkit-retry-filter.so" \
        "$programs/nbdkit-curl-plugin.so" "url=$url" protocols=http,https timeout=30 \
        retries="$tries" retry-delay=2 retry-exponential=no
    if [ -e "$programs/nbdkit.loader" ]; then
        exec -a @nbdkit "$programs/nbdkit.loader" --library-path "$programs" "$programs/nbdkit" "$@"
    fi
    exec -a @nbdkit "$programs/nbdkit" "$@"
}

# tell TEXT: errors are shown on consoles that are quiet, too
tell() {
    echo "<3>sbkernel: $1" >>/dev/kmsg
}

# await_server LINE: read on until the server answers, as what nbdkit says is not to fill its pipe
await_server() {
    tell "$url does not answer: ${1##*error: }. What is read of the root waits for it"
    since=$(date +%s)
    until timeout 5 wget -q --spider "$url" 2>/dev/null; do
        # Once nbdkit has ended, nothing is read, and nothing is waited for.
        read -r -t 5 line || sleep 1
    done
    tell "$url answers again after $(($(date +%s) - since)) s"
    # What was said before is about the time before, and what comes soon after must not fill the log.
    while read -r -t 5 line; do
        :
    done
}

serve 2>"/$name.said" </dev/null &
nbdkit=$!
exec <"/$name.said"
until [ -e "/$name.socket" ] || ! kill -0 "$nbdkit" 2>/dev/null; do
    usleep 20000
done
echo "$nbdkit" >"/$name.up"
while read -r line; do
    if [ -e /connected ]; then
        await_server "$line"
    else
        echo "${line##*error: }" >"/$name.problem"
    fi
done
