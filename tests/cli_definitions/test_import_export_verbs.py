"""sb import and sb export: streams, exit codes, files."""

import stat
from pathlib import Path

from sbrun import Sb

STANZA = "n1:\n objtype=node\n groups=all\n mgt=ipmi\nn1:\n objtype=group\n nope=1\n"


def test_import_reports_on_stdout_and_warns_on_stderr(sb: Sb, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(STANZA)
    warning = (
        f"Warning: {tmp_path}/x:7: group n1: nope is not taken: 'nope' is not a valid attribute name for an object "
        "type of 'group'.\n"
    )
    dry = sb("import", "--dry-run", str(tmp_path / "x"))
    assert dry == (
        0,
        "node n1 (new)\n  + groups=all\n  + mgt=ipmi\n"
        f"{tmp_path}/x (stanza): 1 objects would be imported\n  node: 1 new\n",
        warning,
    )
    assert sb("lsdef").out == "Could not find any object definitions to display.\n"
    done = sb("import", str(tmp_path / "x"))
    assert done.err == warning
    assert done.out.startswith(f"{tmp_path}/x (stanza): 1 objects imported\n  node: 1 new\nsb undo ")
    again = sb("import", str(tmp_path / "x"))
    assert again.out == f"{tmp_path}/x (stanza): 1 objects imported\n  node: 1 unchanged\n"


def test_what_changes_is_shown_and_undo_takes_it_back(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "serialport=0")
    done = sb("import", "-", stdin="n1:\n objtype=node\n serialport=1\n")
    assert done.out.startswith("node n1\n  - serialport=0\n  + serialport=1\n- (stanza): 1 objects imported\n")
    assert sb("undo").code == 0
    assert sb("lsdef", "n1", "-i", "serialport", "-c").out == "n1: serialport=0\n"


def test_nothing_imported_is_no_success(sb: Sb) -> None:
    done = sb("import", "-", stdin="k:\n objtype=nothing\n a=1\n")
    assert (done.code, done.out) == (1, "- (stanza): 0 objects imported\n")


def test_what_is_nothing_is_refused_with_what_there_is(sb: Sb, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello\n")
    (tmp_path / "latin").write_bytes(b"a:\n objtype=node\n usercomment=\xe9\n")
    assert sb("import", str(tmp_path / "x")).err == (
        f"Error: {tmp_path}/x is neither a stanza file nor Warewulf's nodes.conf\n"
        "  --format stanza|tabdump|warewulf says what it is.\n"
    )
    assert sb("import", str(tmp_path / "none")).err.startswith(f"Error: {tmp_path}/none cannot be read: No such file")
    assert sb("import", str(tmp_path)).err.startswith(f"Error: {tmp_path} holds neither tables (*.csv")
    assert sb("import", str(tmp_path / "latin")).err.startswith(f"Error: {tmp_path}/latin:3: not UTF-8\n  iconv ")
    assert sb("import", "--format", "toml", "x").code == 2


def test_what_tabdump_wrote_is_imported(sb: Sb, where: Path, tmp_path: Path) -> None:
    sb("mkdef", "n1,n2", "groups=all,compute", "mgt=ipmi", "nicips.eth0=10.0.0.1", 'usercomment=a "b", c')
    sb("chtab", "node=compute", "nodehm.serialport=0")
    before, tables = sb("export").out, tmp_path / "tables"
    tables.mkdir()
    for table in ("site", "nodelist", "nodehm", "nics", "osimage", "linuximage", "nodegroup", "postscripts"):
        (tables / f"{table}.csv").write_text(sb("tabdump", table).out)
    assert sb("rmdef", "-a", "-f").code == 0
    assert sb("import", str(tables)).err == ""
    assert sb("export").out == before


def test_export_to_a_file_is_for_its_owner_alone(sb: Sb, tmp_path: Path) -> None:
    sb("chtab", "key=ipmi", "passwd.username=u", "passwd.password=hunter2")
    file = tmp_path / "out"
    assert sb("export", "-o", str(file)).out == f"{file}: 6 objects; passwords are ***\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == sb("export").out
    assert sb("export", "-o", str(file), "--reveal").out == f"{file}: 6 objects\n"
    assert "hunter2" in file.read_text()
