# Read by sh on the node, over ssh from updatenode -F: lays the files of f/ where `order` beside this says. Each is written
# beside its place and renamed, so that nobody sees half of one. At the first fault it says `failed NUMBER` and ends.
set -u
here=${0%/*}
s=$(printf '\037')
new=
trap '[ -z "$new" ] || rm -f "$new"' EXIT

give_up() {
    printf 'failed\t%s\t%s\n' "$number" "$1"
    exit 1
}

# own PATH: give it the owner by name, if the node has him, and else by number
own() {
    chown "$user" "$1" 2>/dev/null || chown "$uid" "$1" || give_up "cannot give it to $user"
    chown ":$group" "$1" 2>/dev/null || chown ":$gid" "$1" || give_up "cannot give it to the group $group"
    chmod "$mode" "$1" || give_up "cannot set its mode"
}

write() {
    mkdir -p "${path%/*}/" || give_up "cannot make the directory above it"
    new=$(mktemp "${path%/*}/.sbkernel-XXXXXX") || give_up "cannot write beside it"
    cat "$here/f/$number" >"$new" || give_up "cannot write it"
    own "$new"
    [ -z "$mtime" ] || touch -d "@$mtime" "$new"
    mv -f "$new" "$path" || give_up "cannot replace it"
    new=
}

while IFS=$s read -r number how path mode user uid group gid mtime <&3; do
    case $how in
        directory)
            mkdir -p "$path" || give_up "cannot make it"
            own "$path"
            ;;
        file) write ;;
        facts) own "$path" ;;
        script)
            chmod 700 "$here/f/$number"
            (cd / && exec "$here/f/$number") </dev/null 3<&- || give_up "it ended with exit status $?"
            ;;
    esac
done 3<"$here/order"
exit 0
