# Read by sh on the node, over ssh from testboot: waits until systemd has started all, and says how it went: `state WORD`,
# `failed UNIT` for each, and `virt WORD` for what emulates the machine.
set -u
if command -v systemctl >/dev/null 2>&1; then
    echo "state $(systemctl is-system-running --wait 2>/dev/null)"
    systemctl list-units --failed --plain --no-legend 2>/dev/null | while read -r unit _; do echo "failed $unit"; done
    echo "virt $(systemd-detect-virt 2>/dev/null)"
else
    echo "state none"
fi
