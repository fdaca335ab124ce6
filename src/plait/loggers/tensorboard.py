"""The course of a fit for TensorBoard: curves, and what was asked and found as text. Knows events, and no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plait.core.words import jsonable
from plait.errors import need
from plait.loggers.events import Logger


class TensorBoardLogger(Logger):
    """A callback that writes curves of each network, the best so far and the test scores for TensorBoard.

    Args:
        folder: where the event files go; `tensorboard --logdir FOLDER` shows them.

    Raises:
        MissingExtra: tensorboard is not installed.

    Example:
        >>> logger = plait.TensorBoardLogger("logs")  # then plait.fit(table, target="sick", callback=logger)
        >>> logger.folder.name
        'logs'
    """

    def __init__(self, folder: str | Path) -> None:
        need("tensorboard")
        super().__init__()
        self.folder = Path(folder)
        self._writer: Any = None

    def _begin(self, facts: dict[str, Any]) -> None:
        """Open the event file, and write what is asked. facts: as `Logger._begin`."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder))
        self._write_text("fit", facts)

    def _point(self, name: str, value: float, step: int) -> None:
        """Add a point to a curve. name: its name; value, step: where it lies."""
        self._writer.add_scalar(name, value, step)

    def _end(self, event: dict[str, Any]) -> None:
        """Write what was found, and close the file. event: the last one."""
        self._write_text("result", event["ended"])
        self._writer.close()

    def _write_text(self, name: str, facts: dict[str, Any]) -> None:
        told = json.dumps(jsonable(facts), indent=1, ensure_ascii=False)
        self._writer.add_text(name, "```\n" + told.replace("`", "'") + "\n```")
