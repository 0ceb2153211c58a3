# Read by sh in a private mount namespace, after enter.sh: apt of this host installs into the tree $1, of architecture
# $3, what the other arguments name, from the repository in the directory $2 and from nowhere else.
set -eu
tree=$1
packages=$2
architecture=$3
shift 3
place=$tree/run/packages
mkdir "$place"
mount --bind "$packages" "$place"
address=$(printf %s "$place" | sed -e 's/%/%25/g' -e 's/ /%20/g')
echo "deb [trusted=yes] file:$address ./" > "$packages/sources.list"
cat > "$packages/apt.conf" << END
Dir::Etc "$packages/none";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::sourcelist "$packages/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::State "$tree/var/lib/apt";
Dir::State::status "$tree/var/lib/dpkg/status";
Dir::State::lists "$packages/lists";
Dir::Cache "$packages/cache";
Dir::Cache::archives "$place/archives";
Dir::Log "$packages/log";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
pkgCacheGen::ForceEssential ",";
DPkg::Chroot-Directory "$tree";
DPkg::Use-Pty "false";
DPkg::Options { "--force-unsafe-io"; "--force-confdef"; "--force-confold"; };
END
export APT_CONFIG="$packages/apt.conf"
# No link of the container may lead what is written from out here to this host.
for name in var/lib/apt usr/sbin etc/ssh; do
    case $(readlink -m "$tree/$name")/ in
        "$(readlink -f "$tree")"/*) ;;
        *) echo "/$name of the container leads out of it" >&2 && exit 1 ;;
    esac
done
# Of a container that has none, the first package would not find it.
mkdir -p "$tree/var/lib/apt"
# What packages would start is not started (invoke-rc.d(8)); a container may have such a file, and no image keeps one.
policy=$tree/usr/sbin/policy-rc.d
rm -f "$policy"
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"
# A build throws host keys away; openssh-server makes none where there are any.
mkdir -p "$tree/etc/ssh"
for kind in rsa ecdsa ed25519; do
    key=$tree/etc/ssh/ssh_host_${kind}_key
    [ -e "$key" ] || [ -L "$key" ] || : > "$key"
done
apt-get --quiet update
apt-get --yes --quiet --no-remove install "$@"
rm -f "$policy"
[ ! -e "$tree/sbin/ldconfig" ] || chroot "$tree" ldconfig
