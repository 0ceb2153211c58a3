#!/bin/sh
# Run by postinstall scripts in place of the real uname: they work for the kernel of the image, not of this host.
if [ "$*" = "-r" ] || [ "$*" = "--kernel-release" ]; then
    echo "$IMG_KERNELVERSION"
else
    exec /bin/uname "$@"
fi
