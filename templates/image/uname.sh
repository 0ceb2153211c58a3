#!/bin/sh
# Run by postinstall scripts in place of the real uname: they work for the kernel of the image, not of this host. Inside
# the tree the real one lies where scripted.sh has put it.
real=/run/sbkernel-uname
[ -x "$real" ] || real=/bin/uname
if [ "$*" = "-r" ] || [ "$*" = "--kernel-release" ]; then
    echo "$IMG_KERNELVERSION"
else
    exec "$real" "$@"
fi
