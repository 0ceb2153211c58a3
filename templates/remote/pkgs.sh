#!/bin/sh
# Read by sh on the node, as ospkgs and otherpkgs of updatenode -S: installs and removes packages with the package manager
# and the sources that the node has, and says what has changed. A word is what a line of a pkglist is: NAME, @GROUP, -NAME
# removed before, --NAME removed after; +NAME=VALUE is put into the environment.
set -uf
# What package managers say is read by who asked for this, so it is English.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
IFS='
'
before=
install=
after=
for word in "$@"; do
    case $word in
        +*) export "${word#+}" ;;
        --*) after="$after$IFS${word#--}" ;;
        -*) before="$before$IFS${word#-}" ;;
        *) install="$install$IFS$word" ;;
    esac
done

have() {
    command -v "$1" >/dev/null
}

for manager in apt-get dnf yum zypper none; do
    ! have "$manager" || break
done
if [ "$manager" = none ]; then
    echo "this node has no package manager" >&2
    exit 1
fi

# apt WORD ...: configuration files that were changed on the node stay as they are, as in a build; what was downloaded is
# not kept, since the root may lie in memory; somebody else's run is waited for
apt() {
    apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 \
        -o APT::Keep-Downloaded-Packages=false "$@"
}

# suse WORD ...: some exit statuses are notices: reboot (102) or restart (103) what is in use, a repository that is left out
suse() {
    zypper --non-interactive "$@"
    status=$?
    case $status in 100 | 101 | 102 | 103 | 106) return 0 ;; esac
    return "$status"
}

# listed: every package that is installed, with its version
listed() {
    if [ "$manager" = apt-get ]; then
        dpkg-query -W -f '${db:Status-Status} ${binary:Package} ${Version}\n' | sed -n 's/^installed //p'
    elif have rpm; then
        rpm -qa --qf '%{name}.%{arch} %|epoch?{%{epoch}:}|%{version}-%{release}\n' | sort
    fi
}

# there NAME: true if such a package is installed, or if that cannot be told
there() {
    case $1 in @*) return 0 ;; esac
    if [ "$manager" = apt-get ]; then
        dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
    elif have rpm; then
        [ -n "$(rpm -qa "$1")" ] || rpm -q --quiet --whatprovides "$1"
    fi
}

# fresh: learn what the sources have now; where that fails, what was known of them may do
fresh() {
    case $manager in
        apt-get) apt update ;;
        dnf) dnf -q -y --refresh makecache ;;
        yum) yum -q -y clean expire-cache ;;
        zypper) suse -q refresh ;;
    esac
}

add() {
    case $manager in
        apt-get) apt --allow-downgrades install "$@" ;;
        zypper) suse install --oldpackage $(printf '%s\n' "$@" | sed 's/^@/pattern:/') ;;
        dnf) dnf -y --best install "$@" ;; # without it, what is installed stays as old as it is
        *) "$manager" -y install "$@" ;;
    esac
}

# take NAME ...: remove those that are there: what is gone already is as it should be
take() {
    gone=
    for name in "$@"; do
        ! there "$name" || gone="$gone$IFS$name"
    done
    [ -n "$gone" ] || return 0
    case $manager in
        apt-get) apt remove $gone ;;
        zypper) suse remove $(printf '%s\n' $gone | sed 's/^@/pattern:/') ;;
        *) "$manager" -y remove $gone ;;
    esac
}

change() {
    take $before || return
    [ -z "$install" ] || add $install || return
    take $after
}

listed >"$0.before"
[ -z "$install" ] || fresh
change
status=$?
listed >"$0.after"
gone=$(grep -vxF -f "$0.after" "$0.before" | sed 's/^/removed /')
new=$(grep -vxF -f "$0.before" "$0.after" | sed 's/^/installed /')
if [ -n "$gone$new" ]; then
    printf '%s\n' $gone $new
elif [ "$status" = 0 ]; then
    echo "nothing to do"
fi
exit "$status"
