"""Choose an osimage and see its details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site
from sbkernel.units import size
from sbkernel.workbench.calls import Call, command
from sbkernel.workbench.html import card, chip, heading, mono, pairs
from sbkernel.workbench.panel import Panel

_SHOWN = ("osvers", "osarch", "profile", "parent", "pkglist", "rootimgdir")


class ImageChooser(Panel):
    """A list of the images of the site, with details of the chosen one. `value` is its name.

    Headless, the given image is chosen.
    """

    def __init__(self, site: Site, image: str) -> None:
        self.site = site
        self.value = site.osimages[image].name
        super().__init__()

    def html(self) -> Markup:
        """Return the chosen image and its state."""
        image = self.site.osimages[self.value]
        state, tone, facts = self._published()
        return card(heading(image.name, chip(state, tone)), pairs({**_attributes(image), **facts}))

    def text(self) -> str:
        """Return the name and state of the chosen image."""
        return f"{self.value}: {self._published()[0]}"

    def calls(self) -> Sequence[Call]:
        """Return how the chosen image is shown without this panel."""
        return [Call("show", f"site.osimages[{self.value!r}]", command("lsdef", "-t", "osimage", self.value))]

    def about(self) -> dict[str, Any]:
        """Return the image."""
        return {"image": self.value}

    def widget(self) -> Any:
        """Return a drop-down list above the details."""
        choice = ipywidgets.Dropdown(options=sorted(self.site.osimages), value=self.value, description="Image")
        choice.layout.width = "480px"
        shown = ipywidgets.HTML(value=str(self.html()))

        def chosen(change: dict[str, Any]) -> None:
            self.value = change["new"]
            shown.value = str(self.html())
            self.say(self.text())

        choice.observe(chosen, "value")
        return ipywidgets.VBox([choice, shown])

    def _published(self) -> tuple[str, str, dict[str, object]]:
        try:
            version = Catalog(self.site).current(self.value)
        except NotFoundError:
            return "not packed", "quiet", {}
        return "published", "ok", {"digest": mono(version.digest[:12]), "size": size(version.roots_size)}


def _attributes(image: Definition) -> dict[str, object]:
    return {name: mono(image.get(name)) if "/" in image.get(name) else image.get(name) for name in _SHOWN}
