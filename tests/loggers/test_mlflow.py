"""A run of MLflow, written through a client that remembers, and by MLflow itself where it is installed."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loggers.test_events import BEGAN, ENDED, FIT, POINTS
from plait.errors import MissingExtra, RequestError
from plait.loggers.mlflow import MlflowLogger


class Client:
    """What MLflow's client is asked, one after another."""

    def __init__(self, uri: str | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def ask(*words: Any, **named: Any) -> Any:
            self.asked.append((name, *words, *named.values()))
            answers = {"create_experiment": "7", "create_run": SimpleNamespace(info=SimpleNamespace(run_id="r"))}
            return answers.get(name)

        return ask


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("plait.loggers.mlflow.need", lambda module: None)
    client = Client()
    fake = SimpleNamespace(MlflowClient=lambda uri: client, active_run=lambda: None)
    monkeypatch.setitem(sys.modules, "mlflow", fake)  # type: ignore[misc]
    return client


def test_a_fit_is_a_run_with_its_options_points_and_verdict(client: Client, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("x", encoding="utf-8")
    ended = {"ended": {**ENDED["ended"], "run": str(tmp_path)}}
    logger = MlflowLogger("patients", name="first")
    for event in [*FIT[:-1], ended]:
        logger(event)
    assert client.asked == [
        ("get_experiment_by_name", "patients"),
        ("create_experiment", "patients"),
        ("create_run", "7", "first"),
        ("log_param", "r", "targets", "sick"),
        ("log_param", "r", "rows", "40"),
        ("log_param", "r", "seed", "3"),
        *(("log_metric", "r", *point) for point in POINTS),
        ("set_tag", "r", "winner", "ridge (text)"),
        ("set_tag", "r", "verdict", "equal"),
        ("log_artifact", "r", str(tmp_path / "report.html")),
        ("set_terminated", "r"),
    ]


def test_names_are_as_mlflow_takes_them(client: Client) -> None:
    logger = MlflowLogger()
    logger(BEGAN)
    logger({"stage": "parallel(a, b, by=gate)", "epoch": 1, "loss": 0.5})
    assert client.asked[-1][2] == "parallel_a_ b_ by_gate_/loss"


def test_an_active_run_is_gone_on_with(client: Client) -> None:
    sys.modules["mlflow"].active_run = lambda: SimpleNamespace(info=SimpleNamespace(run_id="mine"))  # type: ignore[attr-defined]
    logger = MlflowLogger()
    for event in FIT:
        logger(event)
    assert {asked[1] for asked in client.asked} == {"mine"}
    assert "set_terminated" not in {asked[0] for asked in client.asked}


def test_a_server_that_does_not_answer_is_said_at_the_beginning(client: Client) -> None:
    client.create_run = lambda *words, **named: 1 / 0  # type: ignore[attr-defined]
    with pytest.raises(RequestError, match=r"^MLflow cannot be written to: division by zero$"):
        MlflowLogger()(BEGAN)


def test_without_the_package_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"'mlflow', which is not installed; run: pip install .plait\[mlflow\]"):
        MlflowLogger()


@pytest.mark.heavy
def test_mlflow_itself_holds_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        import mlflow
    except ImportError as error:
        pytest.skip(f"mlflow is not installed, or too old: {error}")
    uri = (tmp_path / "store").as_uri()
    logger = MlflowLogger("patients", uri)
    for event in FIT:
        logger(event)
    (run,) = mlflow.MlflowClient(uri).search_runs([logger._client.get_experiment_by_name("patients").experiment_id])
    assert run.data.metrics == {"best/accuracy": 0.8, "alone image/loss": 0.5, "alone image/accuracy": 0.91,
                                "test/accuracy": 0.75}  # fmt: skip
    assert run.data.params == {"targets": "sick", "rows": "40", "seed": "3"}
    assert run.data.tags["verdict"] == "equal"
    assert run.info.status == "FINISHED"
