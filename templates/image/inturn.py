"""Run by the Python of this host in a namespace of its own: runs other scripts, one after the other.

Standard input is a JSON list of them: file, arguments, what it reads. Each has a process of its own, since some go into
a tree for good (chroot(2)), but Python and what most of them load begin only once.
"""

import io
import json
import os
import pathlib  # noqa: F401 - for the scripts
import sys


def main():
    """Run them until one fails."""
    for script, words, text in json.load(sys.stdin):
        if not (child := os.fork()):
            sys.argv, sys.stdin = [script, *words], io.StringIO(text)
            become(script)
            return
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            sys.exit(abs(code))


def become(script):
    """Run a file as the main program."""
    with open(script, encoding="utf-8") as file:
        program = compile(file.read(), script, "exec")
    exec(program, {"__name__": "__main__", "__file__": script})  # noqa: S102 - a script of ours


if __name__ == "__main__":
    main()
