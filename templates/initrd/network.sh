# Read by init of the initrd: chooses a network card and gets an address for it.

nics() {
    for entry in $(ls /sys/class/net); do
        [ "$(cat "/sys/class/net/$entry/type")" = 1 ] && [ -e "/sys/class/net/$entry/device" ] && echo "$entry"
    done
}

nic_with_mac() {
    for name in $(nics); do
        [ "$(cat "/sys/class/net/$name/address")" = "$1" ] && echo "$name" && return
    done
}

has_link() {
    [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

# wait_for SECONDS COMMAND ...: run the command ten times a second until it prints something, and print that
wait_for() {
    limit=$(($1 * 10))
    shift
    while [ "$limit" -ge 0 ]; do
        found=$("$@")
        [ -n "$found" ] && echo "$found" && return
        limit=$((limit - 1))
        usleep 100000
    done
    return 1
}

nics_with_link() {
    for name in $(nics); do
        has_link "$name" && echo "$name"
    done
}

# candidates: print the card that the loader booted from, else all cards with a link, else all cards
candidates() {
    wanted=$(argument BOOTIF | tr 'A-Z-' 'a-z:')
    wanted=${wanted#??:}
    wait_for "$nic_wait" nics >/dev/null || return
    if [ -n "$wanted" ]; then
        wait_for "$nic_wait" nic_with_mac "$wanted" && return
        say "no network card has the address $wanted of BOOTIF; trying those with a link" >&2
    fi
    for name in $(nics); do
        ip link set "$name" up
    done
    wait_for "$link_wait" nics_with_link || nics
}

await_link() {
    ip link set "$1" up
    wait_for "$link_wait" eval "has_link $1 && echo $1" >/dev/null || say "$1: no link after $link_wait s; asking DHCP anyway"
}

# ask_dhcp NIC: ask once, for about ten seconds; lease.sh writes the answer to /tmp/lease
ask_dhcp() {
    rm -f /tmp/lease
    udhcpc -f -n -q -t 4 -T 2 -A 1 -i "$1" -O mtu -s /lib/sbkernel/lease.sh ${node:+-x "hostname:$node"} >/tmp/udhcpc 2>&1
    [ -s /tmp/lease ]
}

# dhcp NICS: ask on each card in turn, dhcp_tries times; sets nic, address, gateway
dhcp() {
    try=1
    while [ "$try" -le "$dhcp_tries" ]; do
        for nic in $1; do
            await_link "$nic"
            if ask_dhcp "$nic"; then
                . /tmp/lease
                return 0
            fi
            say "$nic: no answer from a DHCP server (try $try of $dhcp_tries)"
        done
        try=$((try + 1))
    done
    return 1
}

describe_nics() {
    for name in $(nics); do
        echo "$name $(cat "/sys/class/net/$name/address") link $(cat "/sys/class/net/$name/carrier" 2>/dev/null)"
    done | tr '\n' ';'
}

find_network() {
    list=$(candidates | tr '\n' ' ')
    [ -n "${list# }" ] || fail "no network card" \
        "cards     $(lspci_network)" \
        "do        name its driver in netdrivers of the osimage, then genimage, packimage and nodeset"
    dhcp "$list" || fail "no answer from a DHCP server" \
        "cards     $(describe_nics)" \
        "do        check that the DHCP server runs, knows the node's MAC address and reaches its network"
    say "$nic: address $address${gateway:+, gateway $gateway}"
}

# lspci_network: print vendor:device of all PCI network cards, with and without a driver
lspci_network() {
    set +f
    for device in /sys/bus/pci/devices/*; do
        case $(cat "$device/class" 2>/dev/null) in
            0x02*) printf '%s:%s ' "$(cut -c3- "$device/vendor")" "$(cut -c3- "$device/device")" ;;
        esac
    done
    set -f
}

# release_network: reset the cards for the system that starts now, as systemd-networkd stalls on a card that is up; but
# not the card from which the root is read
release_network() {
    finish_reports
    [ -z "$keeps_network" ] || keep_network
    for name in $(nics); do
        [ -z "$keeps_network" ] || [ "$name" != "$nic" ] || continue
        ip addr flush dev "$name"
        ip link set "$name" down
    done
}

# keep_network: tell systemd-networkd to leave the card its address; otherwise as 80-dhcp.network of images. udev has to
# leave it its name: a card that is up gets no other, and systemd-networkd would wait for that for ever
keep_network() {
    mkdir -p /run/systemd/network
    mac=$(cat "/sys/class/net/$nic/address")
    printf '[Match]\nMACAddress=%s\n\n[Link]\nNamePolicy=keep\n' "$mac" >/run/systemd/network/10-sbkernel-root.link
    cat >/run/systemd/network/10-sbkernel-root.network <<EOT
[Match]
MACAddress=$mac

[Network]
DHCP=yes
KeepConfiguration=yes

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes

[DHCPv6]
UseDomains=yes
EOT
}
