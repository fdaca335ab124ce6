"""The verb serve: what is refused before anything listens, and what the process is given."""

from pathlib import Path
from typing import Any

import pytest

import plait
from plait.cli import flags_of, main, read_verb
from plait.verbs.serve import open_alone, run_server

pytest.importorskip("uvicorn")
pytest.importorskip("python_multipart")
KEPT = Path(__file__).parents[1] / "kept" / "network"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "there is no folder nowhere"),
        ([str(KEPT), "--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines: give --token TOKEN"),
        ([str(KEPT), "--port", "-1"], "--port -1 is no port"),
        (
            [str(KEPT), "--batch", "0", "--port", "0"],
            "batch is 0 and max_bytes is 20000000; expected at least 1 of each",
        ),
        ([str(KEPT), "--workers", "0", "--port", "0"], "--workers 0 is too few"),
        ([str(KEPT), "--token", " ", "--port", "0"], "the token is empty"),
        ([str(KEPT), "--index", "nowhere", "--port", "0"], "nowhere"),
        ([str(KEPT), "--lang", "cn", "--port", "0"], "there is no language 'cn'. There are: en, zh."),
    ],
)
def test_what_is_refused_before_anything_is_served(words: list[str], said: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_process_is_given_the_application(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    import torch

    given: list[Any] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.setattr(
        "plait.server.process.serve_one", lambda app, bound: given.append((app, bound.getsockname()[0]))
    )
    assert run_server(KEPT, host="127.0.0.2", port=0).startswith("http://127.0.0.2:")
    *_, threads, (app, host) = given  # to load a model numbers them too, unless the environment did
    assert (threads, host) == (1, "127.0.0.2")
    assert app.hosts == ["localhost", "127.0.0.1", "[::1]", "127.0.0.2"]
    assert "serves at http://127.0.0.2:" in capsys.readouterr().err


def test_an_onnx_file_is_opened_to_compute_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(plait.OnnxModel, "load", lambda path, threads: given.append((path, threads)))
    open_alone("model.onnx")
    assert given == [("model.onnx", 1)]


def test_the_page_of_documentation_names_every_address_and_option() -> None:
    text = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
    paths = [route.path for route in plait.serve(KEPT).app.routes if route.path != "/favicon.ico"]
    options = [flag.form for flag in flags_of(*read_verb("run_server")).values()]
    assert [one for one in (*paths, *options) if one not in text and one.removeprefix("/v2") not in text] == []
