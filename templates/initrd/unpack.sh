# Read by init of the initrd: unpacks a root that is a compressed archive, cpio or tar.

# The archive is given back to memory in pieces of so many bytes while it is read, as the tree grows.
piece=16777216

# cut_up FILE: cut a file into FILE.00000, FILE.00001 ..., from its end, so that one piece at most is there twice
cut_up() {
    rest=$(stat -c %s "$1")
    while [ "$rest" -gt 0 ]; do
        last=$(((rest - 1) / piece))
        dd if="$1" of="$1.$(printf %05d "$last")" bs=65536 skip=$((last * (piece / 65536))) 2>/dev/null || return 1
        rest=$((last * piece))
        truncate -s "$rest" "$1"
    done
}

# take_pieces FILE: print the pieces of a file in order, and remove each when it has been read; show the progress
take_pieces() {
    number=0
    while part=$1.$(printf %05d "$number") && [ -e "$part" ]; do
        cat "$part" || return 1
        rm "$part"
        number=$((number + 1))
        [ $((number % 4)) -ne 0 ] || say "$(megabytes $((number * piece))) unpacked"
    done
}

# program NAME [ARGUMENT ...]: run a program that packimage has added to the initrd, with the libraries beside it
program() {
    file=$programs/$1
    shift
    if [ -e "$file.loader" ]; then
        "$file.loader" --library-path "$programs" "$file" "$@"
    else
        "$file" "$@"
    fi
}

# decompress NAME: unpack standard input as the end of a file's name tells
decompress() {
    case $1 in
        *.gz) gzip -d -c ;;
        *.xz) xz -d -c ;;
        *.zst) program zstd -q -d -c ;;
        *)
            echo "$1: unknown compression" >&2
            return 1
            ;;
    esac
}

# extract NAME: unpack an archive of a tree from standard input into the current directory
extract() {
    case $1 in
        *.cpio.*) cpio -i -d -m ;;
        *) program tar -x -p -f - --same-owner --numeric-owner --xattrs '--xattrs-include=*' --acls ;;
    esac
}

# unpack FILE DIRECTORY NAME: unpack what cut_up has made of a file; NAME tells what it is
unpack() (
    set -o pipefail
    cd "$2" && take_pieces "$1" | decompress "$3" | extract "$3"
)
