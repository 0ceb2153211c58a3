"""sb run and sb lab: parse, call, print."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.cli.records import lab
from sbkernel.errors import RecordError
from sbkernel.site import Site


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)


def test_list_shows_notebooks_with_their_parameters(site: Site) -> None:
    listed = sb(site, "run", "--list").output
    for said in ("define  (", "build  (", "boot  (", 'image: str = "mycomputeimage"', "osimage to build"):
        assert said in listed


def test_pairs_win_over_yaml_and_yaml_over_files(site: Site, notebook: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("image: from-file\ncount: 7\nnodes: [n1]\n")
    source = notebook("print(image, count, nodes, force)")
    words = [
        "-f",
        str(tmp_path / "p.yaml"),
        "-y",
        "{count: 8, image: yaml}",
        "-p",
        "image",
        "0012",
        "-p",
        "force",
        "no",
    ]
    done = sb(site, "run", str(source), *words)
    assert done.return_value == 0, done.output
    (record,) = site.records.rglob("*-0012-ok.ipynb")
    assert "0012 8 ['n1'] False" in record.read_text()
    assert str(record) in done.output
    assert str(record.with_suffix(".html")) in done.output


def test_a_failed_run_exits_1_and_names_its_record(site: Site, notebook: Callable[..., Path]) -> None:
    done = sb(site, "run", str(notebook("1/0")), "--name", "nightly")
    assert done.return_value == 1
    assert "failed after" in done.output
    assert "-nightly-compute-failed.html" in done.output


@pytest.mark.parametrize("text", ["[1, 2]", "{", "just words"])
def test_yaml_that_is_no_mapping_is_refused(site: Site, notebook: Callable[..., Path], text: str) -> None:
    with pytest.raises(RecordError, match="-y: "):
        raise sb(site, "run", str(notebook()), "-y", text).exception  # type: ignore[misc]


def test_lab_listens_here_only_and_reaches_kernels_by_sockets(tmp_path: Path) -> None:
    argv = lab.arguments(tmp_path, 8123, browser=False)
    assert {"--ServerApp.ip=127.0.0.1", "--KernelManager.transport=ipc", "--port=8123", "--no-browser"} <= set(argv)
    assert "--no-browser" not in lab.arguments(tmp_path, 8123, browser=True)


def test_lab_tells_kernels_their_site_and_keeps_what_was_set(site: Site) -> None:
    environment = lab.environment(site, {"JUPYTER_PATH": "/theirs", "HOME": "/root"})
    assert environment["SBKERNEL_SITE"] == str(site.root)
    first, ours = environment["JUPYTER_PATH"].split(":")
    assert first == "/theirs"
    assert (Path(ours) / "kernels" / "sbkernel" / "kernel.json").exists()
    assert (Path(ours) / "labextensions" / "sbkernel" / "package.json").exists()
    config = Path(environment["JUPYTER_CONFIG_PATH"]) / "jupyter_server_config.d" / "sbkernel.json"
    assert "sbkernel.workbench.launcher" in config.read_text()


def test_lab_opens_the_tour_where_there_is_one(tmp_path: Path) -> None:
    assert not [word for word in lab.arguments(tmp_path, 8123, browser=False) if "default_url" in word]
    (tmp_path / "start-here.ipynb").write_text("{}")
    assert "--LabApp.default_url=/lab/tree/start-here.ipynb" in lab.arguments(tmp_path, 8123, browser=False)
