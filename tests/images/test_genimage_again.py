"""genimage run again: after a kill, a cancel, an edit, with a plan that was shown, with scripts that read more."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from debs import KERNELS, index, make_deb, make_kernel
from smallbuild import (
    EVERYTHING,
    TARGET,
    Recorder,
    Small,
    another,
    assert_a_capture_is_kept,
    assert_nothing_left,
    processes,
    started,
)
from waiting import until

from sbkernel.cli.images.genimage import summary
from sbkernel.errors import BuildError, DefinitionError, JobError, ListFileError
from sbkernel.images.cache import prune
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.order import genimage_order
from sbkernel.images.packimage import packimage
from sbkernel.images.reviewed import PlanChangedError
from sbkernel.jobs import job as jobs
from sbkernel.jobs.order import Order


def test_an_edited_fstab_is_kept_and_a_durable_one_is_used(small: Small) -> None:
    tree = another(small, "tabbed")
    genimage(small.site, "tabbed")
    (tree / "etc/fstab").write_text("edited\n")
    assert genimage(small.site, "tabbed")["built"] == []
    genimage(small.site, "tabbed", onlyinitrd=True)
    assert (tree / "etc/fstab").read_text() == "edited\n"
    own = small.site.installdir / "custom/netboot/debian/tabbed.fstab"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("own\n")
    report = Recorder()
    genimage(small.site, "tabbed", report=report)
    assert (tree / "etc/fstab").read_text() == "own\n"
    assert (tree.parent / "fstab.edited").read_text() == "edited\n"
    assert any(str(own) in line for line in report.lines)


def test_kernel_and_initrd_alone(small: Small) -> None:
    tree = another(small, "kernels")
    genimage(small.site, "kernels")
    inode = tree.stat().st_ino
    built = json.loads((tree.parent / "plan.json").read_text())["provenance"]
    alone = plan_genimage(small.site, "kernels", onlyinitrd=True, kernelver="6.1.0-9-test")
    assert [step.name for step in alone.pending] == ["kernel", "initrd"]
    result = genimage(small.site, "kernels", onlyinitrd=True, kernelver="6.1.0-9-test", plan=alone.plan.digest)
    assert result["built"] == ["kernel", "initrd"]
    assert (tree.parent / "kernel").read_text() == "kernel 6.1.0-9-test"
    assert tree.stat().st_ino == inode
    now = json.loads((tree.parent / "plan.json").read_text())["provenance"]
    assert now.pop("onlyinitrd")["by"] == built["by"] and now == built
    assert small.site.osimages["kernels"].get("kernelver") == "6.1.0-9-test"
    with pytest.raises(BuildError, match="no driver nosuchcard"):
        genimage(small.site, "kernels", onlyinitrd=True, netdrivers="nosuchcard")
    assert small.site.osimages["kernels"].get("netdrivers") == ""
    assert_nothing_left(small.site)


def test_scripts_run_again_for_another_kernel_of_the_same_packages(small: Small, tmp_path: Path) -> None:
    """Both kernels come by a dependency, so that kernelver changes no package."""
    make_deb(small.pkglist.parent, "own-kernels", Depends=", ".join(f"linux-image-{one}" for one in KERNELS))
    index(small.pkglist.parent)
    script, listed = tmp_path / "post.sh", tmp_path / "kernels.pkglist"
    script.write_text('#!/bin/sh\n# sb-inputs: none\necho "$IMG_KERNELVERSION" > "$1/etc/kernelver"\n')
    script.chmod(0o755)
    listed.write_text("own-kernels\n")
    another(small, "both", postinstall=str(script))
    small.site.set("osimage", "both", pkglist=str(listed))
    newest = plan_genimage(small.site, "both").plan.digests
    small.site.set("osimage", "both", kernelver=KERNELS[0])
    older = plan_genimage(small.site, "both").plan.digests
    assert older["packages"] == newest["packages"]
    assert older["postinstall"] != newest["postinstall"]


def test_what_a_script_reads_undeclared_reaches_the_nodes_though_its_size_is_the_same(
    small: Small, tmp_path: Path
) -> None:
    """All files of a tree are dated alike, so that size and time tell nothing of what scripts have written."""
    script, server = tmp_path / "post.sh", tmp_path / "server"
    script.write_text(f'#!/bin/sh\ncp {server} "$1/etc/server"; ln -s "$(cat {server})" "$1/etc/linked"\n')
    script.chmod(0o755)
    another(small, "scripted", postinstall=str(script))
    packed = []
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.2"):
        server.write_text(address)
        genimage(small.site, "scripted")
        packed.append(packimage(small.site, "scripted"))
    assert [one["cached"] for one in packed] == [False, False, True]
    assert packed[0]["root_sha256"] != packed[1]["root_sha256"] == packed[2]["root_sha256"]


def test_cancel_leaves_nothing(small: Small) -> None:
    job = started(small, "cancelled", "own-later\n")
    job.cancel()
    until(lambda: job.done)
    assert job.state == "cancelled"
    until(lambda: not processes(small.site))
    assert_nothing_left(small.site)
    assert len(list((small.site.cache / "layers").glob("*/layer.json"))) == 1


def test_kill_9_leaves_nothing_in_use_and_the_next_run_is_fine(small: Small) -> None:
    job = started(small, "killed", "#NEW_INSTALL_LIST#\n#ENV:OWN=1#\nown-later\n")
    os.kill(int(json.loads((job.dir / "pid").read_text())["pid"]), signal.SIGKILL)
    until(lambda: job.done and not processes(small.site), 60)
    assert job.state == "failed"
    assert str(small.site.root) not in Path("/proc/self/mountinfo").read_text().replace("\\040", " ")
    assert len(list((small.site.cache / "layers").glob("*/layer.json"))) == 1
    result = genimage(small.site, "killed")
    assert result["built"] == EVERYTHING
    assert (Path(result["rootimgdir"]) / "rootimg/usr/share/own-later").exists()
    assert_nothing_left(small.site)


def test_postinstall_is_called_as_by_xcat(small: Small, tmp_path: Path) -> None:
    script = tmp_path / "post.sh"
    script.write_text(
        '#!/bin/sh -e\necho "$*" > "$1/etc/called"\nenv | grep -e ^IMG_ -e ^SITE_ | sort > "$1/etc/environ"\n'
        'chroot "$1" test -e /proc/self/status\nuname -r > "$1/etc/uname"\n'
        'chroot "$1" uname -r > "$1/etc/inside"\nchroot "$1" uname -s >> "$1/etc/inside"\necho from-the-script\n'
    )
    script.chmod(0o755)
    own = "SITE_A=x y,IMG_NAME=other"
    tree = another(small, "posted", postinstall=f"{script} one two,{script}", environvar=own)
    report = Recorder()
    assert "packages" in genimage(small.site, "posted", report=report)["cached"]
    implicit = f"{tree.parent}/.new/rootimg debian12 x86_64 posted"
    assert (tree / "etc/called").read_text() == f"{implicit}\n"
    environ = dict(line.split("=", 1) for line in (tree / "etc/environ").read_text().splitlines())
    assert environ["IMG_NAME"] == environ["IMG_PROFILE"] == "posted"
    assert environ["SITE_A"] == "x y"
    assert (environ["IMG_KERNELVERSION"], environ["IMG_PKGLIST"]) == ("6.1.0-10-test", str(small.pkglist))
    assert "IMG_OTHERPKGLIST" not in environ
    assert (tree / "etc/uname").read_text() == "6.1.0-10-test\n"
    assert (tree / "etc/inside").read_text() == "6.1.0-10-test\nLinux\n"
    assert (tree / "bin/uname").read_bytes() == (small.tree / "bin/uname").read_bytes()
    assert report.lines.count("from-the-script") == 2
    old = tree.stat().st_ino
    script.write_text('#!/bin/sh\nrm -r "$1/etc"\necho why it failed; exit 3\n')
    for _ in range(2):
        with pytest.raises(BuildError, match="failed:\nwhy it failed"):
            genimage(small.site, "posted")
        with pytest.raises(BuildError, match="Did you run"):
            packimage(small.site, "posted")
    script.write_text("#!/bin/sh\n")
    assert "postinstall" in genimage(small.site, "posted")["built"]
    assert tree.stat().st_ino == old, "it was kept for the next build, which has brought it up to date"
    assert (tree / "etc/passwd").exists() and not (tree / "etc/called").exists()
    assert_nothing_left(small.site)


def test_a_script_that_overwrites_the_fstab_does_so_and_it_is_shown(small: Small, tmp_path: Path) -> None:
    script = tmp_path / "fstab.sh"
    script.write_text('#!/bin/sh -e\n# sb-inputs: none\necho "proc /proc proc rw 0 0" > "$1/etc/fstab"\n')
    script.chmod(0o755)
    tree = another(small, "overwritten", postinstall=str(script))
    report = Recorder()
    genimage(small.site, "overwritten", report=report)
    assert (tree / "etc/fstab").read_text() == "proc /proc proc rw 0 0\n"
    shown = report.lines[report.lines.index("postinstall changed etc/fstab:") :]
    assert "+proc /proc proc rw 0 0" in shown and any(line.startswith("-overwritten_x86_64") for line in shown)


def test_the_image_has_the_time_zone_of_the_site_and_an_exlist_leaves_it(small: Small, tmp_path: Path) -> None:
    listed = tmp_path / "zones.exlist"
    listed.write_text("./usr/share/zoneinfo*\n")
    tree = another(small, "zoned", exlist=str(listed))
    genimage(small.site, "zoned")
    before = (tree / "etc/localtime").lstat().st_mtime
    small.site.set("site", "clustersite", timezone="Europe/Vienna")
    try:
        assert genimage(small.site, "zoned")["built"] == ["tree", "configure", "kernel", "initrd", "manifest"]
        assert str((tree / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Europe/Vienna"
        assert (tree / "etc/timezone").read_text() == "Europe/Vienna\n"
        assert (tree / "etc/localtime").lstat().st_mtime <= before, "the link is dated as the rest of the tree"
        assert genimage(small.site, "zoned")["built"] == []
        packed = small.site.catalog / packimage(small.site, "zoned")["digest"] / "root.squashfs"
        names = subprocess.run(
            ["unsquashfs", "-l", "-d", "", packed], check=True, capture_output=True, text=True
        ).stdout
        zones = [line for line in names.splitlines() if line.startswith("/usr/share/zoneinfo")]
        assert zones == [
            "/usr/share/zoneinfo", "/usr/share/zoneinfo/Europe", "/usr/share/zoneinfo/Europe/Vienna",
        ]  # fmt: skip
    finally:
        small.site.set("site", "clustersite", timezone="Etc/UTC")


def test_a_kernel_that_is_nowhere_is_said_in_xcats_words(small: Small) -> None:
    another(small, "kernelless", kernelver="6.1.0-11-test")
    with pytest.raises(BuildError, match=r"Cannot find the kernel package linux-image-6\.1\.0-11-test") as caught:
        genimage(small.site, "kernelless")
    assert "no source has kernelver=6.1.0-11-test; there are linux-image-6.1.0-1" in str(caught.value.hint)
    small.site.set("osimage", "kernelless", kernelver="6.1.0-9-test")
    planned = plan_genimage(small.site, "kernelless").plan["packages"].inputs["packages"]
    assert [name for name in planned if name.startswith("linux-image")] == ["linux-image-6.1.0-9-test=1.0:all"]


def test_a_kernel_of_the_site_comes_from_kerneldir(small: Small, tmp_path: Path) -> None:
    another(small, "sitekernel", kernelver="6.1.0-12-test", kerneldir=str(tmp_path))
    with pytest.raises(DefinitionError, match=f"kerneldir={tmp_path} holds no packages"):
        plan_genimage(small.site, "sitekernel")
    make_kernel(tmp_path, "6.1.0-12-test")
    planned = plan_genimage(small.site, "sitekernel").plan["packages"].inputs["packages"]
    assert [name for name in planned if name.startswith("linux-image")] == ["linux-image-6.1.0-12-test=1.0:all"]


def test_the_plan_that_was_shown_is_what_is_built_or_it_is_said_what_changed(small: Small) -> None:
    tree = another(small, "reviewed")
    shown = plan_genimage(small.site, "reviewed").plan
    small.site.set("osimage", "reviewed", netdrivers="e1000")
    with pytest.raises(PlanChangedError) as caught:
        genimage(small.site, "reviewed", plan=shown.digest)
    lines = caught.value.message.splitlines()
    assert any(line.strip().startswith("initrd: inputs: drivers: ") for line in lines)
    assert not any(line.strip().startswith(("packages", "configure")) for line in lines)
    assert not tree.parent.exists() or not tree.exists()
    report = Recorder()
    with pytest.raises(BuildError, match="no driver e1000"):
        genimage(small.site, "reviewed", plan=shown.digest, any_plan=True, report=report)
    assert any("initrd: inputs: drivers" in line for line in report.lines)
    small.site.set("osimage", "reviewed", netdrivers="")
    assert genimage(small.site, "reviewed", plan=shown.digest)["plan"] == shown.digest
    assert plan_genimage(small.site, "reviewed").pending == ()
    anew = plan_genimage(small.site, "reviewed", force=True)
    assert (anew.pending, anew.plan.digest) == (shown.steps, shown.digest)
    with pytest.raises(PlanChangedError, match="no plan 0123 was shown"):
        genimage(small.site, "reviewed", plan="0123")


def test_what_is_built_by_force_is_packed_again(small: Small) -> None:
    """A package's script may write other content of the same size, and all of a tree is dated alike."""
    first = packimage(small.site, "small")
    assert packimage(small.site, "small")["cached"]
    assert_a_capture_is_kept(small)
    genimage(small.site, "small", force=True)
    again = packimage(small.site, "small")
    assert (again["cached"], again["digest"]) == (False, first["digest"])
    assert packimage(small.site, "small")["cached"]
    assert genimage(small.site, "small")["built"] == []


def test_scripts_that_do_not_say_what_they_read_run_every_time(small: Small, tmp_path: Path) -> None:
    data, script = tmp_path / "data" / "motd", tmp_path / "motd.sh"
    data.parent.mkdir()
    data.write_text("one")
    script.write_text(f'#!/bin/sh -e\ncp "{data}" "$1/etc/motd"\n')
    script.chmod(0o755)
    tree = another(small, "scripted", postinstall=str(script))
    scripted = ["tree", "configure", "postinstall", "kernel", "initrd", "manifest"]
    genimage(small.site, "scripted")
    data.write_text("two")
    assert genimage(small.site, "scripted")["built"] == scripted
    assert (tree / "etc/motd").read_text() == "two"
    assert "its inputs are not declared" in str(plan_genimage(small.site, "scripted"))
    script.write_text(script.read_text() + "# sb-inputs: data\n")
    genimage(small.site, "scripted")
    assert genimage(small.site, "scripted")["built"] == []
    data.write_text("three")
    assert genimage(small.site, "scripted")["built"] == scripted
    assert (tree / "etc/motd").read_text() == "three"
    script.write_text(script.read_text() + "# sb-inputs: nowhere/*\n")
    with pytest.raises(ListFileError, match=r"motd.sh:4: sb-inputs names nowhere/\*, which is not there"):
        genimage(small.site, "scripted")
    script.write_text("#!/bin/sh\n# sb-inputs: none\n")
    genimage(small.site, "scripted")
    assert genimage(small.site, "scripted")["built"] == []


def slow_script(tmp_path: Path, gate: Path) -> Path:
    """Make a script that leaves a mark, waits while there is a gate, and refuses a tree that has the mark already."""
    script = tmp_path / "slow.sh"
    script.write_text(
        f'#!/bin/sh\n# sb-inputs: none\ntest ! -e "$1/etc/half" || exit 3\ntouch "$1/etc/half"\n'
        f'while [ -e "{gate}" ]; do sleep 0.1; done\n'
    )
    script.chmod(0o755)
    return script


def test_killed_inside_a_script_the_tree_is_made_again(small: Small, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    tree = another(small, "half", postinstall=str(slow_script(tmp_path, gate)))
    gate.touch()
    job = jobs.start(small.site, "genimage", TARGET, image="half")
    until((tree.parent / ".new/rootimg/etc/half").exists, 120, unless=lambda: job.done)
    os.kill(int(json.loads((job.dir / "pid").read_text())["pid"]), signal.SIGKILL)
    until(lambda: job.done and not processes(small.site), 60)
    assert job.state == "failed"
    gate.unlink()
    planned = [step.name for step in plan_genimage(small.site, "half").pending]
    assert planned[:3] == ["tree", "configure", "postinstall"]
    assert genimage(small.site, "half")["built"] == planned
    assert (tree / "etc/half").exists()
    assert_nothing_left(small.site)


def test_killed_behind_a_finished_step_the_next_run_goes_on_there(small: Small, tmp_path: Path) -> None:
    tree = another(small, "done", postinstall=str(slow_script(tmp_path, tmp_path / "gate")))
    code = (
        "import sys, time; from sbkernel.images import genimage, steps; from sbkernel.site import Site\n"
        "steps.shutil.copyfile = lambda *_: time.sleep(600)  # the step that takes the kernel\n"
        "with Site.open(sys.argv[1]) as site: genimage.genimage(site, 'done')"
    )
    with subprocess.Popen([sys.executable, "-c", code, small.site.root], cwd=Path(__file__).parents[2]) as process:
        journal = tree.parent / ".new/.steps.json"
        until(lambda: journal.exists() and "postinstall" in journal.read_text(), 120, unless=process.poll)
        process.kill()
    until(lambda: not processes(small.site))
    assert genimage(small.site, "done")["built"] == ["kernel", "initrd", "manifest"]
    assert (tree / "etc/half").exists()
    assert_nothing_left(small.site)


def test_killed_when_all_of_it_is_made_the_next_run_puts_it_in_place(small: Small) -> None:
    tree = another(small, "whole")
    code = (
        "import os, signal, sys; from sbkernel.images import genimage; from sbkernel.site import Site\n"
        "genimage.RootimgDir.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with Site.open(sys.argv[1]) as site: genimage.genimage(site, 'whole')"
    )
    died = subprocess.run([sys.executable, "-c", code, small.site.root], cwd=Path(__file__).parents[2], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not tree.exists()
    assert genimage(small.site, "whole")["built"] == []
    assert (tree / "etc/fstab").exists()
    assert_nothing_left(small.site)


def test_what_was_ordered_is_built_or_it_is_said_what_has_changed(small: Small) -> None:
    tree = another(small, "ordered")
    pkglist = small.pkglist.with_name("ordered.pkglist")
    pkglist.write_text(small.pkglist.read_text())
    small.site.set("osimage", "ordered", pkglist=str(pkglist))
    order = genimage_order(small.site, "ordered", plan=plan_genimage(small.site, "ordered").plan.digest)
    assert Order.from_json(order.text) == order
    assert set(order.inputs) == {str(pkglist)}
    pkglist.write_text("own-later\n")
    with pytest.raises(JobError, match=f"{pkglist} has changed since the build was ordered"):
        jobs.submit(small.site, order).wait()
    assert not tree.exists()
    pkglist.write_text(small.pkglist.read_text())
    small.site.set("osimage", "ordered", netdrivers="nosuchcard")
    done = jobs.submit(small.site, order).wait()
    assert done.result["plan"] == order.plan
    assert tree.is_dir()


def test_a_package_is_added_to_the_layer_of_another_image(small: Small) -> None:
    another(small, "near")
    pkglist = small.pkglist.with_name("near.pkglist")
    pkglist.write_text(f"{small.pkglist.read_text()}own-later\n")
    small.site.set("osimage", "near", pkglist=str(pkglist))
    assert ": + own-later" in plan_genimage(small.site, "near").layer
    small.site.set("osimage", "near", pkglist=str(small.pkglist))
    genimage(small.site, "near")
    small.site.set("osimage", "near", pkglist=str(pkglist))
    result = genimage(small.site, "near", verify=True)
    assert result["layer"].endswith(": + own-later")
    assert f"\npackages: {result['layer']}\n" in summary(result)
    assert result["layer"].startswith("from layer ")
    assert "packages: " not in str(plan_genimage(small.site, "near")), "nothing is pending"
    assert genimage(small.site, "near")["built"] == []
    clean = plan_genimage(small.site, "near", clean=True)
    assert "\npackages: clean, as asked\n" in str(clean)
    assert [step.name for step in clean.pending] == EVERYTHING, "it was not made clean"
    assert plan_genimage(small.site, "small", clean=True).pending == ()


def test_a_build_under_way_loses_nothing_to_prune(small: Small) -> None:
    job = started(small, "pruned", "own-later\n")
    done = prune.prune(small.site, size="0")
    assert {item.kind for item in done.kept} >= {"package"} and not [one for one in done.gone if one.kind == "package"]
    assert job.wait(300).result["built"] == EVERYTHING
    assert genimage(small.site, "pruned")["built"] == [], "its own layer stays, or is not needed"
