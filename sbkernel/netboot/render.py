"""Fill in the templates of boot files, of the DHCP configuration and of the files of nodes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sbkernel import resources

if TYPE_CHECKING:
    import jinja2


def render_template(template: str, **values: object) -> str:
    """Return templates/<template> with `values` filled in. A missing value is an error."""
    found = _template(template)
    # What Template.render() does, less what it does for templates that use Jinja's global functions: a third of the
    # time, and there are several files a node.
    return "".join(found.root_render_func(found.new_context(values, shared=True)))


@functools.cache
def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - no HTML; names.py and commandline.py check what goes in
    )
