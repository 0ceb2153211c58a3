# Read by sh in a private mount namespace: shows the tree $2 with the changes in $1/upper at $1/merged, runs the rest.
set -eu
place=$1
tree=$2
options=$3
shift 3
back=$PWD
cd "$place"
# The options of overlayfs do not take every name that a directory may have; these they take.
mount --bind "$tree" lower
# Here an overlay that was mounted before notes that its changes may not be on the disk; they are in memory.
rm -rf work/work/incompat
mount -t overlay overlay -o "lowerdir=lower,upperdir=upper,workdir=work,$options" merged
cd "$back"
exec "$@"
