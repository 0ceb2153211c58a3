# Read by sh on the node, over ssh from updatenode -F: says what lies at the places to which files are to go. One line of
# standard input is NUMBER HOW PATH NAME ORIGINAL, separated by the character 31, for read(1) joins tabs. One of standard
# output is NUMBER PATH KIND SUM MODE UID GID USER GROUP, separated by tabs; for a file that is added to NUMBER PATH
# content|original, and its text in base64 follows.
set -u
s=$(printf '\037')
facts="%a\t%u\t%g\t%U\t%G"

text() {
    printf '%s\t%s\t%s\n' "$number" "$path" "$1"
    base64 <"$2"
}

found() {
    printf '%s\t%s\t%s\t%s\t%b\n' "$number" "$path" "$kind" "$sum" "$(stat -L -c "$facts" "$path" 2>/dev/null)"
}

while IFS=$s read -r number how path name original; do
    sum=-
    case $how in
        append | merge)
            path=$(readlink -f "$path") || path=
            kind=none
            [ ! -f "$path" ] || kind=file
            found
            [ "$kind" = file ] || continue
            text content "$path"
            [ "$how" = append ] && [ -f "$original" ] && text original "$original"
            continue
            ;;
    esac
    [ -n "$name" ] && [ -d "$path" ] && path=${path%/}/$name
    if [ -d "$path" ]; then
        kind=directory
    elif [ -L "$path" ]; then
        kind=link
    elif [ -f "$path" ]; then
        kind=file
        sum=$(sha256sum <"$path" | cut -d' ' -f1)
    elif [ -e "$path" ]; then
        kind=other
    else
        kind=none
    fi
    found
done
exit 0
