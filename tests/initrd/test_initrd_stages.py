"""Decisions of the initrd's stages, in the shell that it has, without a machine."""

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "initrd"


def run(text: str) -> str:
    """Run shell text after the functions of the initrd; `mount` and `fail` only say what they are asked."""
    sourced = "".join(f'. "{SCRIPTS}/{name}.sh"\n' for name in ("words", "layers", "verify", "stages", "ram"))
    before = f'set -uf\n{sourced}fail() {{ echo "failed: $1"; exit 1; }}\n'
    done = subprocess.run(["busybox", "sh", "-c", before + text], capture_output=True, text=True)
    return done.stdout.strip() + done.stderr


@pytest.mark.parametrize(
    ("url", "needs"),
    [
        ("http://boot.tar.example/catalog/1/root.squashfs", "squashfs overlay"),
        ("http://a.cpio.gz.example:80/c.tar.d/root.squashfs?a=/x.tar.gz", "squashfs overlay"),
        ("http://a.squashfs/catalog/1/root.erofs?x", "erofs overlay"),
        ("http://h/catalog/1/root.cpio.zst", ""),
        ("http://a.cpio.b/catalog/1/root.tar.gz?again", ""),
    ],
)
def test_only_the_name_of_the_file_says_that_it_is_an_archive(url: str, needs: str) -> None:
    assert run(f"url='{url}'\nfilesystems") == needs


def test_unpacking_is_told_the_name_alone() -> None:
    assert run("url='http://a.cpio.b/1/root.tar.gz?x'\nroot_name") == "root.tar.gz"


def test_a_limit_that_is_no_size_stops_the_boot() -> None:
    """Without it the node's own files would go to /run, and the node would be full as soon as it writes."""
    refuse = 'mount() { case "$*" in *size=lots*) return 1 ;; esac; }\nmkdir() { :; }\n'
    mounting = "url=http://h/root.squashfs\nsize=4096\nverity=\nmount_roots writable_in_memory"
    assert run(f"{refuse}command_line='rootlimit=lots'\n{mounting}") == "failed: the root cannot have the size lots"
    assert run(f"{refuse}command_line='rootlimit=50%'\n{mounting}") == ""


LAYERS = f"sbkernel.layer=root.1.squashfs,12,{'a' * 64} quiet sbkernel.layer=root.squashfs,30,{'b' * 64},{'c' * 64}"


def test_layers_are_taken_in_the_order_of_the_command_line() -> None:
    show = 'show() { echo "$layer_number/$layer_count $layer_name $layer_size $layer_sha256"; }\n'
    said = run(f"{show}command_line='{LAYERS}'\nread_layers\neach_layer show\necho $layers_size")
    assert said.splitlines() == [f"1/2 root.1.squashfs 12 {'a' * 64}", f"2/2 root.squashfs 30 {'b' * 64}", "42"]


def test_layers_lie_over_the_root_the_last_one_on_top() -> None:
    mount = 'mount() { echo "$*"; }\nmkdir() { :; }\nurl=http://h/catalog/layers/r.squashfs\nsize=1\nverity=\n'
    said = run(f"{mount}command_line='{LAYERS}'\nread_layers\nmount_roots writable_in_memory").splitlines()
    run_dir = "/run/sbkernel"
    assert said[1] == f"-t squashfs -o ro {run_dir}/image/root.1 {run_dir}/layer1"
    assert f"lowerdir={run_dir}/layer2:{run_dir}/layer1:{run_dir}/root," in said[-1]


@pytest.mark.parametrize("word", ["root.squashfs", "a,b,c", f"a,0,{'a' * 64}", f"a,,{'a' * 64}", "a,5,abc"])
def test_a_layer_without_its_sum_stops_the_boot(word: str) -> None:
    said = run(f"command_line='sbkernel.layer={word}'\nread_layers")
    assert said == "failed: the kernel command line names a layer without its size and sha256"


def test_memory_is_asked_for_the_root_and_its_layers() -> None:
    memory = "memory() { echo 67108906; }\nmegabytes() { echo $1; }\nsize=10\nunpacked=0\nurl=x\n"
    assert run(f"{memory}layers_size=32\ncheck_ram") == ""
    assert run(f"{memory}layers_size=33\ncheck_ram") == "failed: too little memory for the image"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("quiet", "ram"),
        ("sbkernel.root=zram sbkernel.root=ram", "ram"),
        ("sbkernel.root=ramm", "failed: there is no kind of root that is called ramm"),
        ("sbkernel.root=../../bin/x", "failed: there is no kind of root that is called ../../bin/x"),
        ("sbkernel.root=", "failed: there is no kind of root that is called"),
        ("sbkernel.root=disk", "failed: the initrd cannot make a root of the kind disk"),
    ],
)
def test_the_command_line_says_the_kind_of_root(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "ram.sh").touch()
    assert run(f"command_line='{line}'\nlibrary={tmp_path}\nchoose_kind\necho $kind") == said


@pytest.mark.parametrize(
    ("kind", "url", "needed"),
    [
        ("ram", "http://h/root.squashfs", 64 + 100 + 10),
        ("ram", "http://h/root.tar.zst", 64 + 300 + 10),
        ("tmpfs", "http://h/root.squashfs", 64 + 100 + 10 + 300),
        ("tmpfs", "http://h/root.tar.zst", 64 + 300 + 10),
        ("zram", "http://h/root.erofs", 64 + 100 + 10 + 150),
    ],
)
def test_each_kind_asks_for_the_memory_that_it_takes(kind: str, url: str, needed: int) -> None:
    sizes = f"library={SCRIPTS}\nurl={url}\nsize=$((100 << 20))\nlayers_size=$((10 << 20))\nunpacked=$((300 << 20))\n"
    asked = 'check_memory() { echo "$((($1 >> 20) + 64))"; }\n'
    load = f"command_line=sbkernel.root={kind}\nsay() {{ :; }}\nchoose_kind\n"
    check = "check_zram_memory" if kind == "zram" else "as_kind check"
    assert run(f"{sizes}{load}{asked}{check}") == str(needed)


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("4096", "4096"), ("3k", "3072"), ("2M", "2097152"), ("1g", "1073741824"), ("25%", "25000")],
)
def test_a_size_is_read_as_tmpfs_reads_it(size: str, bytes_: str) -> None:
    said = f". {SCRIPTS}/zram.sh\nmemory() {{ echo 100000; }}\nbytes_of '{size}'"
    assert run(f"library={SCRIPTS}\n{said}") == bytes_


@pytest.mark.parametrize("size", ["", "lots", "-1", "1.5g", "5kk", "%"])
def test_what_is_no_size_is_none(size: str) -> None:
    said = f". {SCRIPTS}/zram.sh\nbytes_of '{size}' || echo no"
    assert run(f"library={SCRIPTS}\n{said}") == f"no{size}: no size\n"


@pytest.mark.parametrize(("keeps", "reset"), [("", ["card0", "card1"]), ("yes", ["card1"])])
def test_the_card_from_which_the_root_is_read_stays_up(keeps: str, reset: list[str]) -> None:
    told = 'nics() { echo card0; echo card1; }\nip() { echo "$*"; }\nfinish_reports() { :; }\nkeep_network() { :; }\n'
    said = run(f". {SCRIPTS}/network.sh\n{told}nic=card0\nkeeps_network={keeps}\nrelease_network").splitlines()
    assert said == [line for name in reset for line in (f"addr flush dev {name}", f"link set {name} down")]


@pytest.mark.parametrize(
    ("line", "url", "why"),
    [
        ("sbkernel.verity=x", "http://h/root.tar.zst", "it is an archive"),
        ("quiet", "http://h/root.erofs", "it has no hash tree"),
        (
            f"sbkernel.verity=x sbkernel.layer=r.squashfs,9,{'a' * 64}",
            "http://h/r.squashfs",
            "layer 1 of 1 over the root",
        ),
    ],
)
def test_what_cannot_be_checked_block_by_block_is_not_read_so(line: str, url: str, why: str) -> None:
    load = f"library={SCRIPTS}\n. {SCRIPTS}/lazy.sh\nwhy_no_verity() {{ :; }}\n"
    assert run(f"{load}url={url}\ncommand_line='{line}'\nread_layers\ncheck_lazy").startswith(
        f"failed: the root cannot be read block by block: {why}"
    )


def test_a_new_lease_leaves_the_card_its_address_of_ipv6() -> None:
    """The kernel would not make it anew, as the card stays up; systemd-networkd waits for it."""
    script = f'ip() {{ echo "$*"; }}; interface=card0; . {SCRIPTS}/lease.sh'
    said = subprocess.run(["busybox", "sh", "-c", script, "sh", "deconfig"], capture_output=True, text=True).stdout
    assert said.splitlines() == ["-4 addr flush dev card0", "link set card0 up"]
