"""Manifests with as many packages as a large image, and their next updates. Pure."""

from __future__ import annotations

from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package

_SECTIONS = ("libs", "admin", "net", "science", "devel", "utils")


def image(count: int, seed: int = 0) -> Manifest:
    """Return a manifest. Another seed gives other versions, which no cache has seen."""
    return manifest((_package(number, seed) for number in range(count)), name=f"image{seed}", kind="image")


def updated(before: Manifest) -> Manifest:
    """Return the next update: one package in ten is newer; in a hundred, one is removed, one added and one older."""
    packages = [one for number, package in enumerate(before) for one in _next(number, package)]
    return manifest(packages, name=f"{before.name} updated", kind="image")


def _package(number: int, seed: int) -> Package:
    return Package(
        name=f"lib-package{number:05d}",
        version=f"{number % 3}:{number % 17}.{seed}.{number}-{number % 5}+deb12u{seed % 9}",
        arch="all" if number % 4 == 0 else "amd64",
        family="deb",
        size_bytes=1024 * (number % 4000 + 1),
        source=f"source{number // 3}",
        source_version=f"{number % 17}.{seed}-1",
        section=_SECTIONS[number % len(_SECTIONS)],
        explicit=number % 10 == 0,
    )


def _next(number: int, package: Package) -> list[Package]:
    if number % 100 == 1:
        return []
    if number % 100 == 2:
        return [package, package._replace(name=f"new-{package.name}", source=f"new-{package.source}")]
    if number % 100 == 3:
        return [package._replace(version=f"0~{package.version.partition(':')[2]}")]
    if number % 10 == 4:
        return [package._replace(version=f"{package.version}.1", size_bytes=package.size_bytes + 4096)]
    return [package]
