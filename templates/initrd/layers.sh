# Read by init of the initrd: the layers of a root, each a packed root that lies over those before it. A layer is a word
# sbkernel.layer=NAME,SIZE,SHA256[,...] on the kernel's command line; it is served under its sha256 beside the root.

layer_words=
layer_count=0
layers_size=0
layers_in=

# read_layers: take the layers from the command line, the lowest first
read_layers() {
    for word in $command_line; do
        case $word in sbkernel.layer=*) read_layer "${word#*=}" ;; esac
    done
}

# read_layer WORD: take one layer
read_layer() {
    layer_count=$((layer_count + 1))
    take_apart "$1"
    if [ "${#layer_sha256}" != 64 ] || ! [ "$layer_size" -gt 0 ] 2>/dev/null; then
        fail "the kernel command line names a layer without its size and sha256" \
            "layer     $1" \
            "expected  sbkernel.layer=NAME,SIZE,SHA256" \
            "do        nodeset ${node:-NODE} osimage=IMAGE"
    fi
    layer_words="$layer_words $1"
    layers_size=$((layers_size + layer_size))
}

# take_apart WORD: set layer_name, layer_size, layer_sha256, layer_verity, and layer_url
take_apart() {
    layer_name=${1%%,*}
    layer_size=${1#*,}
    layer_size=${layer_size%%,*}
    layer_sha256=${1#*,*,}
    layer_sha256=${layer_sha256%%,*}
    case $1 in *,*,*,*) layer_verity=${1##*,} ;; *) layer_verity= ;; esac
    layer_url=${url%/*}/$layer_sha256.${layer_name##*.}
}

# each_layer COMMAND: run a command for each layer, the lowest first; layer_number counts them, layer_file is its file:
# beside the root, or in the directory layers_in, where roots are called by their sha256
each_layer() {
    layer_number=0
    for word in $layer_words; do
        layer_number=$((layer_number + 1))
        take_apart "$word"
        [ -n "$layers_in" ] && layer_file=$layers_in/$layer_sha256 || layer_file=$image.$layer_number
        layer="layer $layer_number of $layer_count over the root"
        "$1"
    done
}

fetch_layer() {
    say "fetching $layer, $layer_url, $layer_size bytes"
    fetch "$layer_url" "$layer_file" "$layer_size" || fail "$layer could not be fetched" \
        "url       $layer_url" \
        "problem   $problem, after $tries_used tries" \
        "expected  $layer_size bytes" \
        "got       $(size_of "$layer_file") bytes" \
        "do        check that the service runs and that the image is in the catalog: packimage, nodeset"
}

# fetch_layers: fetch them when the root is there; verify_root asks how many tries that took
fetch_layers() {
    root_tries=$tries_used
    each_layer fetch_layer
    tries_used=$root_tries
    fetched_uptime=$(uptime)
}

# verify_layer: make its sum, unless dm-verity checks what is read of it
verify_layer() {
    [ -z "$verity" ] || [ -z "$layer_verity" ] || return 0
    got=$(sha256sum "$layer_file" | cut -d' ' -f1)
    [ "$got" = "$layer_sha256" ] ||
        refuse "$layer" "$layer_url" "expected  sha256 $layer_sha256" "got       sha256 $got"
    say "verified $layer, sha256 $layer_sha256"
}

verify_layers() {
    each_layer verify_layer
}

mount_layer() {
    mount_packed "$layer_file" "$layer_name" "$run/layer$layer_number" "$layer_size" "$layer_verity" ||
        fail "$layer cannot be mounted" \
            "url       $layer_url" \
            "do        see the messages of the kernel above"
    stack=$run/layer$layer_number:$stack
}

# mount_layers: mount them; `stack` are the directories of all roots then, the topmost first
mount_layers() {
    stack=$run/root
    each_layer mount_layer
}

# mount_packed FILE NAME DIRECTORY SIZE HASH: mount a packed root; the end of its name tells its format
mount_packed() {
    mkdir -p "$3"
    source=$(checked_source "${3##*/}" "$1" "$4" "$5") && mount -t "$(filesystem_of "$2")" -o ro "$source" "$3" && return
    refuse_corrupted
    return 1
}

# filesystem_of NAME: print what the kernel calls the format of a root that it mounts
filesystem_of() {
    case $1 in *.erofs) echo erofs ;; *) echo squashfs ;; esac
}
