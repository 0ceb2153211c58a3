"""Execute the cells of a notebook. A signal ends it cleanly, and a dead kernel is reported as dead."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient

_GRACE_S = 60.0  # an interrupted cell first ends its job; after this time the kernel is killed


class RecordClient(PapermillNotebookClient):
    """Papermill's client with three differences.

    SIGTERM and SIGINT interrupt the running cell, as the stop button does, so that awaited jobs are cancelled. After a
    second signal or a minute the kernel is killed. No cell starts after a signal. If the kernel dies, that is an
    error of the cell that was running.
    """

    def __init__(self, *args: Any, on_display: Callable[[Any], None] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signal: signal.Signals | None = None
        self.died = False
        self._on_display = on_display

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Start the kernel, execute the cells, stop the kernel."""
        self.reset_execution_trackers()
        with self._signals(), TemporaryDirectory(prefix="sbkernel-") as self._sockets, self.setup_kernel(**kwargs):
            self.papermill_execute_cells()
            if not self.died:
                info = self.wait_for_reply(self.kc.kernel_info())
                self.nb.metadata["language_info"] = info["content"]["language_info"]
        return self.nb

    def create_kernel_manager(self) -> KernelManager:
        """Return a manager that talks to its kernel through sockets of this user, not over TCP."""
        manager = super().create_kernel_manager()
        manager.transport = "ipc"
        manager.ip = str(Path(self._sockets) / "kernel")
        return manager

    def papermill_execute_cells(self) -> None:
        """Execute the cells in order until one fails or a signal comes."""
        for index, cell in enumerate(self.nb.cells):
            if self.signal or not self._execute(cell, index):
                break

    def _execute(self, cell: NotebookNode, index: int) -> bool:
        self.nb_man.cell_start(cell, index)
        try:
            self.execute_cell(cell, index)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            self._explain(cell, error)
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            return False
        finally:
            self.nb_man.cell_complete(cell, cell_index=index)
        return True

    def _explain(self, cell: NotebookNode, error: Exception) -> None:
        """Add an error that has no output to the cell, where papermill and readers look for it."""
        if isinstance(error, CellExecutionError) and any(o.output_type == "error" for o in cell.outputs):
            return
        self.died = isinstance(error, DeadKernelError)
        text = "the kernel died while it ran this cell" if self.died else str(error)
        cell.outputs.append(new_output("error", ename=type(error).__name__, evalue=text, traceback=[text]))

    def process_message(self, msg: Any, *args: Any, **kwargs: Any) -> NotebookNode | None:
        """Add a message of the kernel to the notebook, and report displays."""
        if self._on_display and msg["msg_type"] in ("display_data", "update_display_data"):
            self._on_display(msg["content"])
        return super().process_message(msg, *args, **kwargs)

    def set_widgets_metadata(self) -> None:
        """Keep no widget state. A record is HTML, and the state of one console would add 359 KB."""

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Pass SIGTERM and SIGINT to the cell, if this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        first = self.signal is None
        self.signal = signal.Signals(number)
        self._signal_kernel(signal.SIGINT if first else signal.SIGKILL)
        if first:
            timer = threading.Timer(_GRACE_S, self._signal_kernel, [signal.SIGKILL])
            timer.daemon = True
            timer.start()

    def _signal_kernel(self, number: signal.Signals) -> None:
        """Signal the process group of the kernel, as JupyterLab's stop button does. Jobs have their own sessions."""
        pid = getattr(getattr(self.km, "provisioner", None), "pid", None)
        if pid:
            try:
                os.killpg(pid, number)
            except ProcessLookupError:
                return
