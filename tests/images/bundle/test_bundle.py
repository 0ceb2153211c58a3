"""A version goes from one site to another as a file, whole or not at all."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import IMAGE, Sites, define, everything
from smallimage import leftovers, publish

from sbkernel.errors import BuildError, DefinitionError, NotFoundError, SbkernelError
from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    with Site.open(tmp_path / "here") as here, Site.open(tmp_path / "there") as there:
        define(here)
        yield Sites(here, there)


@pytest.fixture
def bundle(sites: Sites, tmp_path: Path) -> Path:
    assert sites.version
    return Path(export_image(sites.here, IMAGE, tmp_path / "lab.tar")["file"])


def test_a_version_arrives_as_it_was(sites: Sites, bundle: Path) -> None:
    done = import_image(sites.there, bundle)
    version, original = Catalog(sites.there).find(f"{IMAGE}@candidate"), Catalog(sites.here).current(IMAGE)
    assert done["digest"] == version.digest == original.digest
    assert {path.name: path.read_bytes() for path in version.dir.iterdir()} == {
        path.name: path.read_bytes() for path in original.dir.iterdir()
    }
    assert not version.damaged()
    assert done["current"] == ""
    assert leftovers(sites.there.catalog) == []


def test_the_definition_and_its_lists_arrive(sites: Sites, bundle: Path) -> None:
    import_image(sites.there, bundle)
    custom = sites.there.installdir / "custom/netboot/debian"
    osimage = sites.there.osimages[IMAGE]
    assert osimage.get("pkglist") == str(custom / "lab.pkglist")
    assert osimage.get("postinstall") == f"{custom / 'lab.postinstall'} one two"
    assert osimage.get("rootimgdir") == str(sites.there.installdir / "netboot/debian12/x86_64/lab")
    assert osimage.get("pkgdir") == "http://mirror/debian", "no password leaves the site"
    assert (custom / "lab.pkglist").read_text() == "vim\nslurmd\n", "what is included stands in its place"
    assert (custom / "lab.fstab").read_text() == "tmpfs / tmpfs rw 0 1\n"
    assert (custom / "lab.postinstall").stat().st_mode & 0o777 == 0o755
    assert (custom / "lab.exlist").stat().st_mode & 0o777 == 0o644


def test_a_bundle_is_the_same_wherever_it_is_made(sites: Sites, bundle: Path, tmp_path: Path) -> None:
    sites.here.set("osimage", IMAGE, pkgdir="http://mirror/debian")
    first = export_image(sites.here, IMAGE, tmp_path / "first.tar")
    import_image(sites.there, bundle)
    second = export_image(sites.there, f"{IMAGE}@candidate", tmp_path / "second.tar")
    assert Path(first["file"]).read_bytes() == Path(second["file"]).read_bytes()


def test_tar_can_list_it(bundle: Path) -> None:
    listed = subprocess.run(["tar", "-tvf", bundle, "--numeric-owner"], capture_output=True, text=True, check=True)
    names = [line.split()[-1] for line in listed.stdout.splitlines()]
    assert names[:2] == ["sbkernel-image/bundle.json", "sbkernel-image/image.json"]
    assert names[-1] == "sbkernel-image/version/root.squashfs"
    assert {line.split()[1] for line in listed.stdout.splitlines()} == {"0/0"}
    assert listed.stderr == ""


def test_a_second_import_does_nothing(sites: Sites, bundle: Path) -> None:
    import_image(sites.there, bundle)
    before = everything(sites.there)
    again = import_image(sites.there, bundle)
    assert (again["there"], again["laid"]) == (True, [])
    assert everything(sites.there) == before
    assert import_image(sites.here, bundle)["there"], "where it was made, it is there already"


def test_promotion_is_asked_for(sites: Sites, bundle: Path) -> None:
    assert import_image(sites.there, bundle)["current"] == ""
    done = import_image(sites.there, bundle, promote=True)
    assert done["current"] == done["digest"]


def test_as_packed_moves_what_packimage_would(sites: Sites, bundle: Path) -> None:
    done = import_image(sites.there, bundle, as_packed=True)
    assert done["current"] == done["digest"]


def test_what_differs_is_told_before_anything_is_written(sites: Sites, bundle: Path) -> None:
    custom = define(sites.there)
    sites.there.set("osimage", IMAGE, addkcmdline="debug")
    (custom / "lab.exlist").write_text("./usr/share/man*\n")
    before = everything(sites.there)
    with pytest.raises(DefinitionError) as caught:
        import_image(sites.there, bundle)
    assert "addkcmdline is 'debug' here and 'quiet' in the bundle" in str(caught.value)
    assert "lab.exlist has another content" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "--as NAME" in str(caught.value)
    assert everything(sites.there) == before
    assert Catalog(sites.there).versions() == []


def test_force_replaces_and_keeps_the_old_list(sites: Sites, bundle: Path) -> None:
    custom = define(sites.there)
    sites.there.set("osimage", IMAGE, addkcmdline="debug", usercomment="mine")
    (custom / "lab.exlist").write_text("./usr/share/man*\n")
    import_image(sites.there, bundle, force=True)
    assert sites.there.osimages[IMAGE].get("addkcmdline") == "quiet"
    assert sites.there.osimages[IMAGE].get("usercomment") == ""
    assert (custom / "lab.exlist").read_text() == "./usr/share/doc*\n"
    assert (custom / "lab.exlist.ORIG").read_text() == "./usr/share/man*\n"


def test_what_only_bundles_of_xcat_can_be_given(sites: Sites, bundle: Path) -> None:
    for options in ({"profile": "x"}, {"nodes": "n1"}):
        with pytest.raises(DefinitionError, match=r"lab\.tar is no bundle of xCAT"):
            import_image(sites.there, bundle, **options)  # type: ignore[arg-type]
    assert Catalog(sites.there).versions() == []


def test_keep_takes_the_version_alone(sites: Sites, bundle: Path) -> None:
    custom = define(sites.there)
    sites.there.set("osimage", IMAGE, addkcmdline="debug")
    (custom / "lab.exlist").write_text("./usr/share/man*\n")
    assert import_image(sites.there, bundle, keep=True)["laid"] == []
    assert sites.there.osimages[IMAGE].get("addkcmdline") == "debug"
    assert Catalog(sites.there).find(f"{IMAGE}@candidate")


def test_another_name_is_another_digest(sites: Sites, bundle: Path) -> None:
    define(sites.there)
    sites.there.set("osimage", IMAGE, addkcmdline="debug")
    done = import_image(sites.there, bundle, name="lab2")
    version = Catalog(sites.there).find("lab2@candidate")
    assert (version.image, done["was"]) == ("lab2", Catalog(sites.here).current(IMAGE).digest)
    assert version.digest != done["was"]
    osimage = sites.there.osimages["lab2"]
    assert osimage.get("profile") == "lab2"
    assert osimage.get("rootimgdir").endswith("/debian12/x86_64/lab2")
    assert Path(osimage.get("pkglist")).name == "lab2.pkglist"
    assert sites.there.osimages[IMAGE].get("addkcmdline") == "debug"
    assert import_image(sites.there, bundle, name="lab2")["there"]


def test_a_version_without_a_definition(sites: Sites, tmp_path: Path) -> None:
    publish(sites.here, b"hsqs", "orphan")
    done = export_image(sites.here, "orphan", tmp_path / "orphan.tar")
    assert "not defined any more" in done["remarks"][0]
    import_image(sites.there, tmp_path / "orphan.tar")
    assert Catalog(sites.there).find("orphan@candidate")
    assert "orphan" not in sites.there.osimages


def test_a_shipped_list_is_named_where_it_is(sites: Sites, tmp_path: Path) -> None:
    shipped = "share/netboot/debian/compute.debian12.x86_64.pkglist"
    assert (sites.here.root / shipped).is_file()
    sites.here.set("osimage", IMAGE, pkglist=str(sites.here.root / shipped))
    assert sites.version
    export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    import_image(sites.there, tmp_path / "lab.tar")
    assert sites.there.osimages[IMAGE].get("pkglist") == str(sites.there.root / shipped)


def test_a_list_from_anywhere_goes_to_the_own_lists(sites: Sites, tmp_path: Path) -> None:
    (tmp_path / "x.pkglist").write_text("bash\n")
    sites.here.set("osimage", IMAGE, pkglist=str(tmp_path / "x.pkglist"))
    assert sites.version
    export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    (tmp_path / "x.pkglist").unlink()
    import_image(sites.there, tmp_path / "lab.tar")
    own = sites.there.installdir / "custom/netboot/debian/lab.pkglist"
    assert sites.there.osimages[IMAGE].get("pkglist") == str(own)
    assert own.read_text() == "bash\n"


def test_a_damaged_version_is_not_exported(sites: Sites, tmp_path: Path) -> None:
    root = sites.version.root
    root.write_bytes(b"hsqt" + root.read_bytes()[4:])
    (tmp_path / "lab.tar").write_text("the old one")
    with pytest.raises(BuildError, match=r"root\.squashfs is damaged"):
        export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    assert (tmp_path / "lab.tar").read_text() == "the old one"
    assert not list(tmp_path.glob(".lab*"))


def test_a_list_that_is_missing_is_named(sites: Sites, tmp_path: Path) -> None:
    assert sites.version
    (sites.here.installdir / "custom/netboot/debian/lab.exlist").unlink()
    with pytest.raises(SbkernelError, match=r"lab\.exlist: No such file"):
        export_image(sites.here, IMAGE, tmp_path / "lab.tar")


def test_words_that_name_nothing(sites: Sites, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    with pytest.raises(NotFoundError, match="does not exist"):
        import_image(sites.there, tmp_path / "none.tar")
    assert sites.version
    with pytest.raises(DefinitionError, match="no such directory"):
        export_image(sites.here, IMAGE, tmp_path / "no/lab.tar")


def test_a_failure_takes_everything_back(sites: Sites, bundle: Path) -> None:
    names = Catalog(sites.there).names
    names.write_text("no directory, so that no pointer can be written")
    before = everything(sites.there)
    with pytest.raises(OSError):
        import_image(sites.there, bundle)
    assert IMAGE not in sites.there.osimages
    assert {path for path in everything(sites.there) if path.startswith("install/")} == {
        path for path in before if path.startswith("install/")
    }


def test_a_failure_puts_back_what_force_replaced(sites: Sites, bundle: Path) -> None:
    custom = define(sites.there)
    sites.there.set("osimage", IMAGE, addkcmdline="debug", usercomment="mine")
    (custom / "lab.exlist").write_text("./usr/share/man*\n")
    Catalog(sites.there).names.write_text("no directory, so that no pointer can be written")
    before, values = everything(sites.there), dict(sites.there.osimages[IMAGE].attributes)
    with pytest.raises(OSError):
        import_image(sites.there, bundle, force=True)
    assert dict(sites.there.osimages[IMAGE].attributes) == values
    after = {path: data for path, data in everything(sites.there).items() if path.startswith("install/")}
    assert after == {path: data for path, data in before.items() if path.startswith("install/")}


def test_the_description_names_no_directory_of_its_site(sites: Sites, bundle: Path) -> None:
    with tarfile.open(bundle) as tar:
        text = tar.extractfile("sbkernel-image/bundle.json")
        assert text is not None
        said = json.loads(text.read())
    assert str(sites.here.root) not in json.dumps(said)
    assert said["osimage"]["pkglist"] == "{installdir}/custom/netboot/debian/lab.pkglist"


def test_values_of_environvar_stay_at_home(sites: Sites, tmp_path: Path) -> None:
    sites.here.set("osimage", IMAGE, environvar="TOKEN=hunter2,WHO=gpu")
    assert sites.version
    done = export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    assert "environvar: left out, as TOKEN, WHO may be secret (--with-environment)" in done["remarks"]
    assert b"hunter2" not in (tmp_path / "lab.tar").read_bytes()
    done = import_image(sites.there, tmp_path / "lab.tar")
    said = "environvar is not in the bundle: sb chdef -t osimage lab environvar=TOKEN=VALUE,WHO=VALUE"
    assert said in done["remarks"] and sites.there.osimages[IMAGE].get("environvar") == ""
    sites.there.set("osimage", IMAGE, environvar="TOKEN=mine,WHO=x")
    done = import_image(sites.there, tmp_path / "lab.tar")
    assert (done["laid"], done["remarks"]) == ([], [])
    assert sites.there.osimages[IMAGE].get("environvar") == "TOKEN=mine,WHO=x"
    assert import_image(sites.here, tmp_path / "lab.tar")["laid"] == []


def test_values_of_environvar_go_along_when_asked_for(sites: Sites, tmp_path: Path) -> None:
    sites.here.set("osimage", IMAGE, environvar="WHO=gpu")
    assert sites.version
    export_image(sites.here, IMAGE, tmp_path / "lab.tar", with_environment=True)
    import_image(sites.there, tmp_path / "lab.tar")
    assert sites.there.osimages[IMAGE].get("environvar") == "WHO=gpu"


def test_what_looks_like_a_password_is_said(sites: Sites, tmp_path: Path) -> None:
    custom = sites.here.installdir / "custom/netboot/debian"
    (custom / f"{IMAGE}.postinstall").write_text(
        "#!/bin/sh\necho passwd: files\nexport DB_PASSWORD=hunter2\nsecret=$1\n"
    )
    sites.here.set("osimage", IMAGE, addkcmdline="quiet rd.iscsi.password=hunter2")
    assert sites.version
    found = [one for one in export_image(sites.here, IMAGE, tmp_path / "lab.tar")["remarks"] if "may hold" in one]
    assert found == [
        "addkcmdline may hold a password, and is in the bundle",
        "postinstall: lab.postinstall:3 may hold a password, and is in the bundle",
    ]


def test_places_of_the_other_site_are_said_or_left_out(sites: Sites, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    sites.here.set(
        "osimage", IMAGE, rootimgdir=str(tmp_path / "trees/lab"), pkgdir=f"{tmp_path}/mirror gpgkey=/srv/own.asc",
        kerneldir="/srv/kernels",
    )  # fmt: skip
    left = [{"clause": "", "sources": ["/etc/motd"], "destination": "/etc/motd", "noderange": "n1", "line": "x:1"}]
    publish(sites.here, b"hsqs", IMAGE, syncfiles=left)
    export_image(sites.here, IMAGE, tmp_path / "lab.tar")
    done = import_image(sites.there, tmp_path / "lab.tar")
    host = Catalog(sites.here).current(IMAGE).data["host"]
    assert done["remarks"] == [
        f"rootimgdir={tmp_path}/trees/lab was a place of another site, and is left out: genimage takes its default",
        "pkgdir: there is no /srv/own.asc here, where genimage would look",
        "kerneldir: there is no /srv/kernels here, where genimage would look",
        "synclists: the files that they name are not in the bundle",
        f"1 lines of its synclists were left for boot, and name files of {host}",
    ]
    assert sites.there.osimages[IMAGE].get("rootimgdir") == ""
    assert import_image(sites.there, tmp_path / "lab.tar")["laid"] == []
    assert import_image(sites.here, tmp_path / "lab.tar")["laid"] == [], "where it was made, it is its own place"
    done = import_image(sites.there, tmp_path / "lab.tar", name="two")
    assert sites.there.osimages["two"].get("rootimgdir") == str(sites.there.installdir / "netboot/debian12/x86_64/two")
