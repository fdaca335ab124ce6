"""The course of a fit for MLflow: parameters, metrics, tags and the report. Knows events, and no model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from plait.core.words import first_line
from plait.errors import RequestError, need
from plait.loggers.events import Logger, ends_of

MOST = 250  # letters of a name, and of a value, that every store takes


class MlflowLogger(Logger):
    """A callback that writes a fit to MLflow: options, curves of networks, scores, verdict and report.

    It goes into the active run where there is one, else into a run of its own.

    Args:
        experiment: its name in MLflow.
        uri: where MLflow keeps runs, such as "http://localhost:5000"; None: where `mlflow` is told to.
        name: of the run; None: as MLflow names runs.

    Raises:
        MissingExtra: mlflow is not installed.

    Example:
        >>> logger = plait.MlflowLogger("patients")  # then plait.fit(table, target="sick", callback=logger)
        >>> logger.experiment
        'patients'
    """

    def __init__(self, experiment: str = "plait", uri: str | None = None, name: str | None = None) -> None:
        need("mlflow")
        super().__init__()
        self.experiment, self.uri, self.name = experiment, uri, name
        self._client: Any = None
        self._run, self._own = "", True

    def _begin(self, facts: dict[str, Any]) -> None:
        """Open a run, and write what is asked. facts: as `Logger._begin`.

        Raises:
            RequestError: MLflow cannot be written to.
        """
        try:
            import mlflow

            self._client = mlflow.MlflowClient(self.uri)
            active = mlflow.active_run()
            self._own = active is None
            if active is None:
                found = self._client.get_experiment_by_name(self.experiment)
                place = found.experiment_id if found is not None else self._client.create_experiment(self.experiment)
                active = self._client.create_run(place, run_name=self.name)
            self._run = active.info.run_id
            asked = {"targets": ", ".join(facts["targets"]), "rows": facts["rows"], **facts["options"]}
            for key, value in asked.items():
                self._client.log_param(self._run, key, str(value)[:MOST])
        except Exception as error:  # noqa: BLE001  # of MLflow, of its store, or of the network
            raise RequestError(f"MLflow cannot be written to: {first_line(error):.300}") from None

    def _point(self, name: str, value: float, step: int) -> None:
        """Add a point to a curve. name: its name; value, step: where it lies."""
        self._client.log_metric(self._run, re.sub(r"[^\w\-. /]", "_", name)[:MOST], value, step=step)

    def _end(self, event: dict[str, Any]) -> None:
        """Write what was found, and close the run. event: the last one."""
        for target, end in ends_of(event).items():
            for key in ("winner", "verdict"):
                self._client.set_tag(self._run, re.sub(r"[^\w\-. /]", "_", f"{target}{key}")[:MOST], end[key])
        report = Path(event["ended"]["run"]) / "report.html"
        if report.exists():
            self._client.log_artifact(self._run, str(report))
        if self._own:
            self._client.set_terminated(self._run)
