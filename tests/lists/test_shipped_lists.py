"""The lists that xCAT ships, by the names they have: they parse to what is in them, duplicates and all."""

from pathlib import Path

import pytest

from sbkernel.lists import exlist, otherpkglist, pkglist

EL9 = """\
@minimal-environment chrony kernel net-tools nfs-utils openssh-server rsync tar util-linux wget python3
tar bzip2 bc dracut dracut-network rsyslog hostname e2fsprogs ethtool parted openssl dhclient
openssh-clients bash vim-minimal rpm iputils perl-interpreter"""
PACKAGES = {
    "compute.rhels8.x86_64": EL9,
    "compute.rhels9.x86_64": EL9,
    "compute.rhels10.x86_64": EL9.replace("dhclient ", "") + " initscripts NetworkManager",
    "compute.rhels7.x86_64": """\
bash dracut-network nfs-utils openssl dhclient kernel openssh-server openssh-clients iputils bc
irqbalance procps-ng wget vim-minimal ntp rpm rsync rsyslog e2fsprogs parted net-tools gzip tar xz
ethtool""",
    "compute.ubuntu24.04.x86_64": """\
bash nfs-common openssl isc-dhcp-client libc-bin linux-image-generic openssh-server openssh-client wget
rsync busybox-static gawk bind9-dnsutils tar gzip xz-utils cpio chrony iproute2 dracut dracut-network""",
    "ubuntu/compute": """\
bash nfs-common openssl isc-dhcp-client linux-image-generic openssh-server openssh-client wget vim ntp
rsyslog rsync busybox-static gawk tar gzip xz-utils""",
    "debian/compute": """\
bash nfs-common openssl dhcp3-client linux-image openssh-server openssh-client wget vim ntp rsyslog
rsync tar gzip xz-utils""",
    "rh/compute": """\
bash nfs-utils openssl dhclient kernel openssh-server openssh-clients busybox-anaconda wget vim-minimal
ntp sysklogd rpm rsync tar gzip xz""",
    "compute.sle15.x86_64": """\
aaa_base coreutils bash dbus-1 wicked device-mapper dracut nfs-kernel-server keyutils lvm2 openssl
dhcp-client openssh procps psmisc wget sysconfig rsyslog vim rsync timezone bc ntp gzip e2fsprogs parted
xfsprogs binutils tar open-iscsi curl btrfsprogs cryptsetup dmraid mdadm multipath-tools gpg2 which
cifs-utils open-lldp fcoe-utils util-linux-systemd udev kernel-default kernel-firmware adaptec-firmware
xz insserv-compat net-tools-deprecated rsyslog iputils""",
}
TWICE = {
    "compute.rhels8.x86_64": "tar",
    "compute.rhels9.x86_64": "tar",
    "compute.rhels10.x86_64": "tar",
    "compute.sle15.x86_64": "rsyslog",
}

EL9_EXLIST = """\
./boot*
./usr/include*
./usr/lib/locale*
./usr/lib64/perl5/Encode/CN*
./usr/lib64/perl5/Encode/JP*
./usr/lib64/perl5/Encode/TW*
./usr/lib64/perl5/Encode/KR*
./lib/kbd/keymaps/i386*
./lib/kbd/keymaps/mac*
./lib/kdb/keymaps/include*
./usr/local/include*
./usr/local/share/man*
./usr/share/man*
./usr/share/cracklib*
./usr/share/doc*
./usr/share/gnome*
./usr/share/i18n*
+./usr/share/i18n/en_US*
./usr/share/info*
./usr/share/locale/*
+./usr/share/locale/en_US*
+./usr/share/locale/C*
+./usr/share/locale/locale.alias
+./usr/lib/locale/locale-archive
+./usr/lib/locale/en*
+./usr/lib/locale/C*
./usr/share/man*
./usr/share/omf*
./usr/share/vim/site/doc*
./usr/share/vim/vim74/doc*
./usr/share/zoneinfo*
./var/cache/man*
./var/lib/yum*
./tmp*
"""


@pytest.mark.parametrize("name", PACKAGES)
def test_package_lists(name: str) -> None:
    names = PACKAGES[name].split()
    text = "# comment of the site\n" + "".join(f"{one}\n" for one in names)
    parsed = pkglist.parse(text, name)
    assert parsed.packages == tuple(dict.fromkeys(names))
    assert parsed.warnings == ()
    twice = [one.message.split()[0] for one in parsed.diagnostics]
    assert twice == ([TWICE[name]] if name in TWICE else [])
    assert parsed.render() == text


def test_the_exclude_list_of_el() -> None:
    parsed = exlist.parse(EL9_EXLIST)
    assert (len(parsed.exclude), len(parsed.include)) == (26, 7)
    assert [str(one) for one in parsed.diagnostics] == [
        "exlist:27:1: info: ./usr/share/man* is already listed at exlist:13"
    ]
    assert "./lib/kdb/keymaps/include*" in parsed.exclude
    assert parsed.render() == EL9_EXLIST


def test_capture_lists_are_clean() -> None:
    text = "./tmp/*\n./proc/*\n./dev/*\n./sys/*\n./install/*\n./xcatpost/*\n"
    assert exlist.parse(text).diagnostics == ()
    assert len(exlist.parse(text).exclude) == 6


def test_packages_of_a_service_node_are_in_sub_directories() -> None:
    parsed = otherpkglist.parse("xcat/xcat-core/xCATsn\nxcat/xcat-dep/rh9/x86_64/goconserver\n")
    assert [otherpkglist.placed(one) for one in parsed.packages] == [
        ("xcat/xcat-core", "xCATsn"),
        ("xcat/xcat-dep/rh9/x86_64", "goconserver"),
    ]
    assert parsed.diagnostics == ()


def test_a_list_may_begin_with_an_include(tmp_path: Path) -> None:
    (tmp_path / "compute.rhels7.pkglist").write_text("bash\nkernel\n")
    (tmp_path / "cuda.otherpkgs.pkglist").write_text("#INCLUDE:compute.rhels7.pkglist#\ncuda\n")
    assert otherpkglist.load([tmp_path / "cuda.otherpkgs.pkglist"]).packages == ("bash", "kernel", "cuda")
