# Read by bash: xCAT's packimage, find | cpio -H newc -o | gzip or another; without OUTPUT only what find selects, one path a line.
# Usage: TREE OUTPUT COMPRESSOR [EXCLUDE...] -- [INCLUDE...]; the patterns are those of find -path.
set -euo pipefail
tree=$1 output=$2 compressor=$3
shift 3
exclude=() include=()
while [[ $1 != -- ]]; do
    exclude+=(-not -path "$1")
    shift
done
shift
for pattern; do
    include+=(-o -path "$pattern")
done
select_paths() {
    find . -xdev "${exclude[@]}"
    find . -xdev \( -false "${include[@]}" \)
}
cd "$tree"
if [[ -z $output ]]; then
    select_paths
else
    select_paths | cpio --quiet -H newc -o | "$compressor" -c >"$output"
fi
