#!/bin/sh
# Found on the PATH of postinstall scripts before the real one: they work for the image's kernel, not for this host's.
if [ "$*" = "-r" ] || [ "$*" = "--kernel-release" ]; then
    echo "$IMG_KERNELVERSION"
else
    exec /bin/uname "$@"
fi
