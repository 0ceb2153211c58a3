"""`python -m sbkernel.cli VERB …`: the command line, without the set-up that `python -m sbkernel` does first."""

from sbkernel.cli.main import main

main()
