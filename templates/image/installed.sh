# Read by sh on a node, over ssh: prints what is installed, in sections. The lines before these set the queries.
section() {
    printf '\035%s\n' "$1"
}
file() {
    if [ -s "$2" ]; then
        section "$1"
        cat "$2"
    fi
}
packed() {
    if [ -s "$2" ]; then
        section "$1"
        base64 "$2"
    fi
}
if [ -s /etc/os-release ]; then
    file os-release /etc/os-release
else
    file os-release /usr/lib/os-release
fi
if command -v dpkg-query >/dev/null 2>&1 && [ -s /var/lib/dpkg/status ]; then
    section dpkg
    dpkg-query --show --showformat "$dpkg_query" || exit
    file extended_states /var/lib/apt/extended_states
    section copyright
    cd /usr/share/doc 2>/dev/null && grep -HE "$copyright_lines" ./*/copyright 2>/dev/null
elif command -v rpm >/dev/null 2>&1; then
    section rpm
    rpm --query --all --queryformat "$rpm_query" || exit
    packed history.sqlite /var/lib/dnf/history.sqlite
    packed history.sqlite-wal /var/lib/dnf/history.sqlite-wal
    file packages.toml /usr/lib/sysimage/libdnf5/packages.toml
    file nevras.toml /usr/lib/sysimage/libdnf5/nevras.toml
    file AutoInstalled /var/lib/zypp/AutoInstalled
fi
section end
