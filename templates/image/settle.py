"""Run by the Python of this host in a namespace of its own: makes a tree of its own out of a tree and changes over it.

argv names the old tree, the directory of the changes (overlayfs) and the new tree. What has not changed is a hard link
to the old one, which nobody ever writes to; what has changed is moved out of the changes.
"""

import os
import stat
import sys


def main():
    """Make the new tree."""
    old, changes, new = map(os.fsencode, sys.argv[1:])
    os.umask(0)
    directory(old, changes, new)


def directory(old, changes, new):
    """Make a directory of what is in the old one, if there is any, and in the changes, if there are any."""
    os.mkdir(new, 0o700)
    before = entries(old)
    after = entries(changes)
    for name in before.keys() | after.keys():
        target = os.path.join(new, name)
        was, now = before.get(name), after.get(name)
        if now is None:
            if was.is_dir(follow_symlinks=False):
                directory(was.path, None, target)
            else:
                os.link(was.path, target, follow_symlinks=False)
        elif now.is_dir(follow_symlinks=False):
            goes_on = was is not None and was.is_dir(follow_symlinks=False) and not opaque(now.path)
            directory(was.path if goes_on else None, now.path, target)
        elif not gone(now):
            os.rename(now.path, target)
            forget_overlay(target)
    like(changes if changes is not None else old, new)


def entries(path):
    """Return the entries of a directory by name; none if there is no directory."""
    if path is None:
        return {}
    with os.scandir(path) as found:
        return {entry.name: entry for entry in found}


def gone(entry):
    """Tell whether an entry says that what was there is gone: a character device 0/0."""
    status = entry.stat(follow_symlinks=False)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def opaque(path):
    """Tell whether a directory hides all of the old one."""
    return any(os.getxattr(path, name) == b"y" for name in os.listxattr(path) if name.endswith("overlay.opaque"))


def forget_overlay(path):
    """Remove the notes of overlayfs."""
    for name in os.listxattr(path, follow_symlinks=False):
        if ".overlay." in name:
            os.removexattr(path, name, follow_symlinks=False)


def like(model, path):
    """Give a directory the owner, mode, attributes and times of another."""
    status = os.stat(model)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(model):
        if ".overlay." not in name:
            os.setxattr(path, name, os.getxattr(model, name))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


if __name__ == "__main__":
    main()
