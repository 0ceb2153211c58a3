# Read by sh inside a captured tree, after configure.sh: edits what is only partly of the node that it came from.

# Links and networks that are of one card, by its address.
for file in /etc/systemd/network/*.link /etc/systemd/network/*.network /etc/systemd/network/*.netdev; do
    if [ -f "$file" ] && grep -q '^ *\(Permanent\)\{0,1\}MACAddress *=' "$file"; then
        echo "left out: $file names a card by its address"
        rm -f "$file"
    fi
done
# Addresses of ifupdown: systemd-networkd does that by DHCP here.
if [ -f /etc/network/interfaces ]; then
    printf '%s\n' 'source /etc/network/interfaces.d/*' '' 'auto lo' 'iface lo inet loopback' > /etc/network/interfaces
fi
