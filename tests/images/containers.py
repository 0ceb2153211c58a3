"""Container images in layouts, made by umoci of trees that the tests have built."""

import subprocess
from pathlib import Path

TAG = "base"
CREATED = "2023-11-14T22:13:20Z"


def make_container(tree: Path, layout: Path, tag: str = TAG, created: str = CREATED, arch: str = "amd64") -> str:
    """Make a container image of a tree in a layout, new or not; return its reference."""
    if not layout.exists():
        umoci("init", "--layout", layout.name, cwd=layout.parent)
    image = f"{layout.name}:{tag}"
    umoci("new", "--image", image, cwd=layout.parent)
    umoci("insert", "--history.created", created, "--image", image, tree, "/", cwd=layout.parent)
    umoci("config", "--no-history", "--created", created, "--architecture", arch, "--image", image, cwd=layout.parent)
    return f"oci:{layout}:{tag}"


def bootable(tree: Path) -> Path:
    """Put into a tree what a container has to have beside a distribution to be one of a node."""
    for name, text in {"boot/vmlinuz-6.1.0-1-test": "kernel", "usr/sbin/init": "#!/bin/sh\n"}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    modules = tree / "usr/lib/modules/6.1.0-1-test"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/a.ko:\n")
    return tree


def umoci(*words: str | Path, cwd: Path) -> None:
    subprocess.run(["umoci", *words], check=True, capture_output=True, cwd=cwd)
