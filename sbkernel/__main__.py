"""`python3 -m sbkernel VERB …`: from a bare checkout, set up what is missing, then run the verb.

Every verb of `sb` works this way; `test` runs the project's tests. Needs nothing but Python 3.11.
"""

from __future__ import annotations

import os
import sys

PREPARED = "SBKERNEL_PREPARED"  # set for the process that we become, so that it does not look again

PURPOSES = {"test": ["run", "test"], "docs": ["docs"]}
"""What is set up for a verb, where it is not what all others need."""


def hand_over(python: str, arguments: list[str]) -> None:
    """Become the Python of the environment, running the verb or the tests."""
    sys.stdout.flush()
    if arguments[:1] == ["test"]:
        os.execv(python, [python, "-m", "pytest", *test_words(arguments[1:])])
    os.environ[PREPARED] = "1"
    os.execv(python, [python, "-m", "sbkernel", *arguments])


def test_words(words: list[str]) -> list[str]:
    """Return what pytest is called with: all tests run side by side, chosen ones as they are asked for."""
    if words:
        return words
    return ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadscope", "--no-loadscope-reorder"]


def main() -> None:
    """Prepare and hand over, or run the verb when everything is prepared."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs it from a checkout was not checked by pip
        sys.exit("sbkernel needs Python 3.11 or newer; this is " + sys.version.split()[0])
    if os.environ.pop(PREPARED, None):
        from sbkernel.cli.main import main as verbs

        verbs()
    from sbkernel import bootstrap

    arguments = sys.argv[1:]
    assume_yes = "--yes" in arguments
    arguments = [word for word in arguments if word != "--yes"]
    verb = arguments[0] if arguments else ""
    if verb == "test":
        os.chdir(bootstrap.CHECKOUT)
    try:
        python = bootstrap.ensure(PURPOSES.get(verb, ["run"]), assume_yes=assume_yes)
    except bootstrap.SetupError as error:
        sys.exit(f"sbkernel: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    hand_over(str(python), arguments)


if __name__ == "__main__":
    main()
