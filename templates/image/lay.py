"""Run by the Python of this host in a private mount namespace: lays files into a tree, then runs a script in it.

argv: TREE NAME=VALUE... Standard input is what marshal makes of the date of the files (seconds since the epoch), their
content by path, and the script; sh of the tree runs that, if there is one, with this environment alone. For the files
the image needs no program. The process is inside the tree before it writes, so no link leads out.
"""

import marshal
import os
import sys

NO_PROGRAM = 127
# Python ignores them, and what it starts would, too (signal(7)).
SIGPIPE, SIGXFSZ = 13, 25


def main():
    """Go into the tree, write the files, and run the script."""
    tree, *environment = sys.argv[1:]
    date, files, script = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 - it comes from who runs this
    os.chroot(tree)
    os.chdir("/")
    for name, data in files.items():
        lay(f"/{name}", data, date)
    if script:
        sys.exit(run(script, dict(one.split("=", 1) for one in environment)))


def lay(path, data, date):
    """Write one file, in the place of a file or link; directories that are links stay."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "xb") as file:
        file.write(data)
    os.chmod(path, 0o644)
    os.utime(path, (date, date))


def run(script, environment):
    """Run a script; return its exit status, as chroot(1) does where there is no shell."""
    descriptor = os.memfd_create("script")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(script)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.environ.clear()
    os.environ.update(environment)
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, 0)]
    try:
        shell = os.posix_spawnp("sh", ["sh", "-s"], os.environ, file_actions=actions, setsigdef=(SIGPIPE, SIGXFSZ))
    except FileNotFoundError as error:
        print(f"sh: {error.strerror}", file=sys.stderr)
        return NO_PROGRAM
    return os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1])


if __name__ == "__main__":
    main()
