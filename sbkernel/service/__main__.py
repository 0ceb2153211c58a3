"""Run the service of a site: python -m sbkernel.service --site DIR."""

import gc
import sys

gc.disable()  # until collect_seldom: to look through modules for garbage as they are read in is 6 ms of the start

from sbkernel.service.server import main  # noqa: E402

sys.exit(main())
