# Read by sh inside the tree of an image, last of what configures it, with the site's time zone in $zone.
ln -sf "/usr/share/zoneinfo/$zone" /etc/localtime
# Debian's own copy of the name; other distributions have none.
if [ -e /etc/timezone ]; then
    printf '%s\n' "$zone" > /etc/timezone
fi
