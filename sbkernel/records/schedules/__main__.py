"""`python -m sbkernel.records.schedules SITE NAME`: what a timer starts. See guard.py for its exit statuses."""

import sys

from sbkernel.errors import SbkernelError
from sbkernel.records.schedules.guard import guarded_run
from sbkernel.site import Site


def main(where: str, name: str) -> int:
    """Run the notebook of a schedule. What goes wrong is printed: cron mails it, systemd keeps it."""
    try:
        with Site.open(where, create=False) as site:
            return guarded_run(site, name)
    except (SbkernelError, OSError) as error:
        sys.stderr.write(f"schedule {name} of {where}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
