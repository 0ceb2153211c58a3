#!/bin/sh
# Read by sh on the node, as ospkgs and otherpkgs of updatenode -S: installs and removes packages with the package manager
# and the sources that the node has. A word is what a line of a pkglist is: NAME, @GROUP, -NAME removed before, --NAME removed
# after; +NAME=VALUE is put into the environment.
set -uf
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

change() {
    [ -n "$2" ] || return 0
    if have apt-get; then
        DEBIAN_FRONTEND=noninteractive apt-get -q -y "$1" $2
    elif have dnf; then
        dnf -y "$1" $2
    elif have yum; then
        yum -y "$1" $2
    elif have zypper; then
        zypper --non-interactive "$1" $2
    else
        echo "this node has no package manager" >&2
        return 1
    fi
}

[ -z "$install" ] || ! have apt-get || apt-get -q update
change remove "$before" && change install "$install" && change remove "$after"
