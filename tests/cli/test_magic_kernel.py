"""`%sb` in a real kernel, as JupyterLab and papermill drive it: Tab, job cards, Cancel, the stop button, Run All."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook
from packedtwice import pack_twice
from waiting import until

from sbkernel.jobs import job as jobs
from sbkernel.records.run import run_notebook
from sbkernel.site import Site

HERE = Path(__file__).parent
COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("magic")
    patch = pytest.MonkeyPatch()
    patch.setenv("SBKERNEL_SITE", str(root / "site"))
    patch.setenv("IPYTHONDIR", str(root / "ipython"))
    patch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)
    with Site.open(root / "site") as opened:
        pack_twice(opened, root)
        opened.set("node", "cn1", groups="rack1,all")
        opened.set("node", "cn2", groups="rack1,all")
        yield opened
    patch.undo()


Kernel = tuple[KernelManager, BlockingKernelClient]


@pytest.fixture(scope="module")
def kernel(site: Site) -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    run((manager, client), "%load_ext sbkernel\n%load_ext sbkernel")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(kernel: Kernel, code: str, while_running: Any = None) -> list[dict[str, Any]]:
    """Run a cell; return its outputs. Meanwhile something may be done."""
    outputs: list[dict[str, Any]] = []
    done: list[Any] = []

    def on(message: dict[str, Any]) -> None:
        outputs.append({"kind": message["header"]["msg_type"], **message["content"]})
        if while_running and not done and "update_display_data" in message["header"]["msg_type"]:
            done.append(while_running())

    kernel[1].execute_interactive(code, timeout=120, output_hook=on, allow_stdin=False)
    return outputs


def html_of(outputs: list[dict[str, Any]]) -> list[str]:
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def completed(kernel: Kernel, text: str) -> tuple[str, list[str]]:
    """Return the text that is replaced at a Tab, and what is offered in its place."""
    content = kernel[1].complete(text, len(text), reply=True, timeout=60)["content"]
    return text[content["cursor_start"] : content["cursor_end"]], content["matches"]


@pytest.mark.parametrize(
    ("text", "replaced", "offered"),
    [
        ("%sb ls", "ls", ["lsdef"]),
        ("x = 1\ndf = %sb noderm", "noderm", ["noderm"]),
        ("%sb lsdef -t osi", "osi", ["osimage"]),
        ("%sb lsdef -t osimage -o debian12-x86_64-netboot-c", "debian12-x86_64-netboot-c", [COMPUTE]),
        ("%sb lsdef --re", "--re", ["--reveal"]),
        ("%sb rpower cn1,rack", "rack", ["rack1"]),
        ("%sb rpower cn1 sof", "sof", ["softoff"]),
        ("%sb rpower cn1 on --cana", "--cana", ["--canary"]),
        ("%sb chdef cn1 usercom", "usercom", ["usercomment="]),
        ("%sb chdef -t osimage img provmethod=net", "net", ["netboot"]),
        ("%sb nodeset rack1 osimage=im", "im", ["img"]),
        ("%sb packimage im", "im", ["img"]),
        ("%sb diff im", "im", ["img"]),
        ("%sb tabdump nodelis", "nodelis", ["nodelist"]),
        ("%sb nodels rac", "rac", ["rack1"]),
        ("%sb service sta", "sta", ["start", "status"]),
        ("%sb run pack", "pack", ["packages"]),
        ("%%sb mkd", "mkd", ["mkdef"]),
    ],
)
def test_tab_completes(kernel: Kernel, text: str, replaced: str, offered: list[str]) -> None:
    assert completed(kernel, text) == (replaced, offered)


def test_tab_elsewhere_is_as_it_was(kernel: Kernel) -> None:
    assert completed(kernel, "import o")[1].count("os") == 1
    assert "%sb" in completed(kernel, "%s")[1]


def test_a_verb_that_works_long_is_a_card_that_ends_as_html(kernel: Kernel, site: Site) -> None:
    outputs = run(kernel, "%sb packimage img\nprint('after')")
    cards = [text for text in html_of(outputs) if "packimage img" in text]
    assert "succeeded" in cards[-1] and "<script" not in cards[-1]
    said = "".join(output["text"] for output in outputs if output["kind"] == "stream")
    assert "img" in said and said.endswith("after\n")


def attach(site: Site, target: str) -> str:
    job = jobs.start(site, "genimage", f"magic_targets:{target}", image="img")
    return f"%sb attach {job.id}\nprint('after')"


def error_of(outputs: list[dict[str, Any]]) -> str:
    assert not [output for output in outputs if "after" in output.get("text", "")], "what follows did not run"
    return " ".join(f"{output['ename']}: {output['evalue']}" for output in outputs if output["kind"] == "error")


def test_a_job_that_fails_or_is_cancelled_stops_the_cell(kernel: Kernel, site: Site) -> None:
    assert "JobError: genimage: no disk\n  buy one" in error_of(run(kernel, attach(site, "bad")))
    code = attach(site, "patient")
    job = jobs.listing(site)[0]
    assert "JobCancelledError" in error_of(run(kernel, code, while_running=job.cancel))


@pytest.mark.parametrize("wrapped", ["{}", "def f():\n    {}\nf()"], ids=["awaited", "blocking"])
def test_the_stop_button_ends_the_cell(kernel: Kernel, site: Site, wrapped: str) -> None:
    code = wrapped.format(attach(site, "patient").splitlines()[0]) + "\nprint('after')"
    job = jobs.listing(site)[0]
    said = error_of(run(kernel, code, while_running=kernel[0].interrupt_kernel))
    assert "Cancelled" in said or "KeyboardInterrupt" in said
    assert not job.done, "attach only watches"
    job.stop()


def test_a_build_that_is_stopped_is_cancelled(kernel: Kernel, site: Site) -> None:
    code = "from sbkernel.cli.images import packimage as verb\nfrom sbkernel.jobs import job as jobs\n"
    code += "begin = jobs.start\n"
    code += "jobs.start = lambda site, name, target, **how: begin(site, name, 'magic_targets:patient', image='img')\n"
    run(kernel, code)
    said = error_of(run(kernel, "%sb packimage img\nprint('after')", while_running=kernel[0].interrupt_kernel))
    assert "Cancelled" in said or "KeyboardInterrupt" in said
    until(lambda: jobs.listing(site)[0].state == "cancelled", seen=lambda: jobs.listing(site)[0].state)
    run(kernel, "jobs.start = begin")


def test_papermill_stops_at_an_error_and_keeps_the_card(site: Site, tmp_path: Path) -> None:
    cells = [
        "# no parameters",
        "%sb packimage img",
        "%sb lsdef -t osimage img -i profile",
        "%sb lsdef -t osimage none",
        "1",
    ]
    made = new_notebook(cells=[new_code_cell(text) for text in cells])
    made.cells[0].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = {"name": "sbkernel", "display_name": "sbkernel", "language": "python"}
    nbformat.write(made, tmp_path / "magic.ipynb")
    record = run_notebook(site, tmp_path / "magic.ipynb", {})
    assert record.status == "failed" and "Could not find an object named 'none'" in str(record.error)
    ran = nbformat.read(record.path_ipynb, as_version=4)
    shown = {cell.source: str(cell.get("outputs", "")) for cell in ran.cells}
    assert "nothing to do" in shown[cells[1]] or "succeeded" in shown[cells[1]]
    assert "widget-view" not in shown[cells[1]] and "profile" in shown[cells[2]] and shown[cells[4]] == "[]"
