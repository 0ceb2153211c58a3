"""genimage on Dask workers: the digest of a build on this host, images side by side, a worker that dies half way."""

import re
from pathlib import Path

import pytest
from daskcluster import cluster
from localsite import Local, place_of
from smallbuild import assert_nothing_left, define, processes
from waiting import until

from sbkernel.errors import JobError
from sbkernel.images.order import order_genimage
from sbkernel.images.packimage import packimage
from sbkernel.jobs.job import Job

GATE = "#!/bin/sh\n# sb-inputs: none\ntouch {0}/reached\nuntil test -e {0}/go; do sleep 0.1; done\n"


def test_images_are_built_side_by_side_and_go_on_when_a_worker_has_died(local: Local, tmp_path: Path) -> None:
    site, script, gate = local.site, tmp_path / "wait.sh", tmp_path / "gate"
    gate.mkdir()
    script.write_text(GATE.format(gate))
    script.chmod(0o755)
    with cluster(tmp_path / "dask") as dask:
        define(site, "waits", local.pkglist, local.pkgdir, postinstall=str(script), buildhost=f"dask:{dask.address}")
        waits = order_genimage(site, "waits")
        until((gate / "reached").exists, 300, unless=lambda: waits.done, seen=lambda: waits.tail())

        small = order_genimage(site, "small", on=f"dask:{dask.address}").wait(300)
        assert "tree" in small.result["built"] and worker_of(small) != worker_of(waits)
        assert packimage(site, "small", force=True)["digest"] == local.digest

        dask.kill(worker_of(waits))
        with pytest.raises(JobError, match=f"the Dask worker {re.escape(worker_of(waits))} has gone"):
            waits.wait(60)
        until(lambda: not [*dask.left(), *processes(site)], seen=lambda: [*dask.left(), *processes(site)])
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert not place_of(site, "waits").tree.exists()
        assert_nothing_left(site)

        (gate / "go").touch()
        built = order_genimage(site, "waits").wait(300).result["built"]
        assert "postinstall" in built and "packages" not in built, "it goes on where it was"


def worker_of(job: Job) -> str:
    """Return the worker on which a job runs, or ran."""
    return re.findall(r"on the Dask worker (\S+)", job.log_path.read_text())[-1]
