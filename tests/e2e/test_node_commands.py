"""Work on a running node of the demo: commands, files and scripts, with the programs that a real image has."""

import pytest

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def test_commands_files_and_scripts(sb: Sb, first_demo: str) -> None:
    assert sb("nodestat", "vn1").startswith("vn1: sshd (")
    assert sb("xdsh", "vn1", "echo $NODE; id -u").splitlines() == ["vn1: vn1", "vn1: 0"]
    source = sb.site / "source"
    source.mkdir()
    (source / "key").write_text("a secret key\n")
    (source / "key").chmod(0o400)
    (source / "hosts").write_text("10.0.0.9 nine\n")
    (source / "key.post").write_text("#!/bin/sh\necho restarted\n")
    (source / "list").write_text(
        f"{source}/key -> (vn1) /etc/site/key\nEXECUTE:\n{source}/key.post\nAPPEND:\n{source}/hosts -> /etc/hosts\n"
    )
    first = sb("xdcp", "vn1", "-F", str(source / "list")).splitlines()
    assert first == ["vn1: /etc/site/key", "vn1: /etc/hosts", "vn1: restarted"]
    assert sb("xdcp", "vn1", "-F", str(source / "list")) == ""
    shown = sb("xdsh", "vn1", "stat -c '%a %U' /etc/site/key; tail -n 1 /etc/hosts").splitlines()
    assert shown == ["vn1: 400 root", "vn1: 10.0.0.9 nine"]
    script = sb.site / "install/postscripts/hello"
    script.write_text("#!/bin/sh\necho hello $NODE $UPDATENODE; exit $1\n")
    assert "vn1: hello vn1 1\n" in sb("updatenode", "vn1", "-P", "hello 0")
    assert "scripts failed: hello (5)" in sb("updatenode", "vn1", "hello 5", status=1)
    assert sb.attribute("node", "vn1", "updatestatus") == "failed"
    sb("xdsh", "vn1", "rm -r /etc/site /xcatpost && sed -i '$d' /etc/hosts")
