"""Run by the Python of this host in a namespace of its own: moves changes of a tree (overlayfs) into a copy of it.

argv: CHANGES TREE. A file of the tree may be a hard link to that of another tree, so none is written to.
"""

import os
import stat
import sys


def main():
    """Do what argv says."""
    os.umask(0)
    change(*map(os.fsencode, sys.argv[1:]))


def change(changes, new):
    """Make a directory what it is with the changes."""
    with os.scandir(changes) as entries:
        for entry in entries:
            target = os.path.join(new, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if opaque(entry.path) or not is_directory(target):
                    remove(target)
                    os.mkdir(target, 0o700)
                change(entry.path, target)
            else:
                remove(target)
                if not gone(entry):
                    os.rename(entry.path, target)
                    forget_overlay(target)
    like(changes, new)


def is_directory(path):
    """Tell whether there is a directory, not a link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path):
    """Remove what is there, if anything is."""
    if is_directory(path):
        import shutil  # it takes as long as all the rest, and a directory seldom goes

        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


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
    """Give a directory the owner, mode, attributes and times of another, and nothing that the other does not have."""
    status = os.stat(model)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, stat.S_IMODE(status.st_mode))
    wanted = [name for name in os.listxattr(model) if ".overlay." not in name]
    for name in set(os.listxattr(path)).difference(wanted):
        os.removexattr(path, name)
    for name in wanted:
        os.setxattr(path, name, os.getxattr(model, name))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


if __name__ == "__main__":
    main()
