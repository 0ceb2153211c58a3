#!/bin/busybox sh
# Run by udhcpc in the initrd at each event of DHCP. The lease is in the environment.
case $1 in
    deconfig)
        ip -4 addr flush dev "$interface"
        ip link set "$interface" up
        ;;
    bound | renew)
        [ -z "${mtu:-}" ] || ip link set "$interface" mtu "$mtu"
        ip addr add "$ip/${mask:-24}" dev "$interface"
        for gateway in ${router:-}; do
            ip route add default via "$gateway" dev "$interface" && break
        done
        for address in ${dns:-}; do
            echo "nameserver $address"
        done >/etc/resolv.conf
        printf 'address=%s\ngateway=%s\n' "$ip" "${gateway:-}" >/tmp/lease
        ;;
esac
exit 0
