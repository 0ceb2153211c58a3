"""The extension of the Jupyter server behind the tiles of JupyterLab's launcher: shipped notebooks, and copies of them.

GET  sbkernel/templates  lists the shipped notebooks in the order of the work.
POST sbkernel/templates  {"name", "directory"} makes a working copy there: build.ipynb, or else build-2.ipynb.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from sbkernel.records import library

_COPYING = "sbkernel_copying"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.web_app.settings[_COPYING] = asyncio.Lock()
    path = url_path_join(server.web_app.settings["base_url"], "sbkernel", "templates")
    server.web_app.add_handlers(".*$", [(path, TemplatesHandler)])


class TemplatesHandler(APIHandler):
    """The shipped notebooks."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    def get(self) -> None:
        """List them."""
        self.finish(json.dumps([one.as_dict() for one in library.templates()]))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Make a working copy of one; answer with its path. Two that ask at once get two."""
        asked = self.get_json_body() or {}
        name, directory = str(asked.get("name", "")), str(asked.get("directory", "")).strip("/")
        template = next((one for one in library.templates() if one.name == name), None)
        if template is None:
            raise web.HTTPError(HTTPStatus.NOT_FOUND, f"no notebook {name!r} is shipped")
        contents = self.contents_manager
        async with self.settings[_COPYING]:
            if not await ensure_async(contents.dir_exists(directory)):
                raise web.HTTPError(HTTPStatus.NOT_FOUND, f"no directory {directory!r}")
            for candidate in library.copy_names(name):
                path = url_path_join(directory, candidate).strip("/")
                if not await ensure_async(contents.file_exists(path)):
                    break
            await ensure_async(contents.save({"type": "notebook", "content": template.content()}, path))
        self.set_status(HTTPStatus.CREATED)
        self.finish(json.dumps({"path": path}))
