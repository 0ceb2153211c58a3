"""What DHCP is told: the configuration of dnsmasq, as a server or a proxy, and files for Kea and ISC dhcpd."""
