# Read by init of the initrd: directories of the root that lie on a local disk. What is on the disk stays there; of an
# image it is told that is new there, each file comes along that nobody has changed on the node since the last one.

# bind_directories: let a root that is about to be filled put these directories on the disk at once, and not into memory
bind_directories() {
    for entry in $disk_directories; do
        name_directory "$entry"
        rm -rf "$shelf.new"
        mkdir -p "$shelf.new" "$root$directory"
        mount -o bind "$shelf.new" "$root$directory"
    done
    bound=yes
}

# settle_directories: fill them with what the image has there, and mount them over it
settle_directories() {
    for entry in $(printf '%s\n' $disk_directories | sort); do
        name_directory "$entry"
        settle_directory && continue
        # What a root was filled with is on the disk alone.
        [ -z "$bound" ] && gives_up=disk_fails || gives_up=fail
        "$gives_up" "$directory cannot be put on the local disk" \
            "disk      ${shelf%/*}, $(df -h "${shelf%/*}" | tail -n 1 | awk '{ print $4 " of " $2 }') free" \
            "problem   $(tail -n 1 "$scratch/settle")" \
            "do        correct mount= or parts= in the partitionfile, then nodeset ${node:-NODE} osimage"
    done
}

bound=

# name_directory ENTRY: set directory, and shelf, which is where it lies on the disk
name_directory() {
    directory=${1%%:*}
    shelf=${1#*:}/directories/$(echo "${directory#/}" | tr / +)
    mkdir -p "${shelf%/*}"
}

settle_directory() {
    no_links "$directory" || return 1
    mkdir -p "$root$directory"
    image_has=$root$directory
    if [ -n "$bound" ]; then
        umount "$root$directory"
        image_has=$shelf.new
    fi
    if [ ! -s "$shelf.of" ]; then
        say "$directory: filling it on the local disk"
        first_fill || return 1
    elif [ "$(cat "$shelf.of")" != "$digest" ]; then
        say "$directory: kept; what is new in the image comes along"
        refill || return 1
    else
        say "$directory: kept"
    fi 2>"$scratch/settle"
    rm -rf "$shelf.new"
    mount -o bind "$shelf" "$root$directory"
}

# no_links DIRECTORY: refuse one that a link of the image leads elsewhere: it would lie over something of the initrd
no_links() {
    below=
    for step in $(echo "${1#/}" | tr / ' '); do
        below=$below/$step
        [ -L "$root$below" ] || continue
        echo "$below is a link in the image" >"$scratch/settle"
        return 1
    done
}

# first_fill: nothing that is on the disk counts until it is noted of which image it is
first_fill() {
    rm -rf "$shelf"
    if [ "$image_has" != "$shelf.new" ]; then
        rm -rf "$shelf.new"
        mkdir "$shelf.new"
        list_tree "$image_has" | copy_paths "$image_has" "$shelf.new" || return 1
    fi
    list_files "$shelf.new" >"$shelf.list"
    mv "$shelf.new" "$shelf" && note_image
}

# refill: bring what a new image has, but nothing over a file that was changed, made or removed on the node
refill() {
    list_files "$shelf" >"$scratch/now"
    # Removed and changed ones are those of which the list now says something else.
    sort "$shelf.list" "$scratch/now" "$scratch/now" | uniq -u | cut -d' ' -f3- >"$scratch/changed"
    grep -vxFf "$shelf.list" "$scratch/now" | cut -d' ' -f3- >>"$scratch/changed"
    list_tree "$image_has" | grep -vxFf "$scratch/changed" | copy_paths "$image_has" "$shelf" || return 1
    list_files "$image_has" >"$shelf.list.new"
    mv "$shelf.list.new" "$shelf.list"
    note_image
}

note_image() {
    sync
    echo "$digest" >"$shelf.of.new" && mv "$shelf.of.new" "$shelf.of" && sync
}

# list_tree DIRECTORY: print all paths in it, directories before what they hold
list_tree() (
    cd "$1" && find . -mindepth 1
)

# list_files DIRECTORY: print time, size and path of all files in it; of what is copied, links get a new time
list_files() (
    cd "$1" && find . -type f -print0 | xargs -0 -r stat -c '%Y %s %n'
    find . ! -type f ! -type d -print0 | xargs -0 -r stat -c '0 %s %n'
)

# copy_paths FROM TO: copy the paths that are read, with owners, modes and times
copy_paths() (
    set -o pipefail
    cp_mode "$1" "$2"
    cd "$1" && cpio -o -H newc 2>/dev/null | (cd "$2" && cpio -i -d -m -u 2>&1 >/dev/null | grep -v ' blocks$' >&2 || :)
)

cp_mode() {
    chown "$(stat -c %u:%g "$1")" "$2"
    chmod "$(stat -c %a "$1")" "$2"
}
