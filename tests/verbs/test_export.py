"""A model as one ONNX file: the same answers as the run, whatever is absent; and what is refused."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import plait
from plait.core.contract import Batch
from plait.kinds.image.prep import ImagePrep
from plait.models import plan as plans
from plait.models.blend import Average, Mixture, Stacked, Weighted
from plait.models.classic import Goal, MajorityPredictor, fit_classic
from plait.models.network import Network, NetworkPredictor, TunedEncoder
from plait.models.onnx_graph import Graph, write_graph
from plait.models.predictors import Blend, Calibrated
from plait.pretrained.own import wrap_own
from plait.runs.model import Model
from plait.runs.onnx import OnnxModel, OnnxPredictor, open_session
from plait.verbs.export import draw_batch
from tiny import make_batch, make_spec, read_csv, take_rows, write_csv

PRIOR = np.array([0.5, 0.3, 0.2])
ALL = "photo, scan, sound, text, tabular"
PLANS = [
    f"parallel({ALL}, by=concat)",
    f"parallel({ALL}, by=sum)",
    f"parallel({ALL}, by=gate)",
    f"parallel({ALL}, by=attention)",
    f"parallel({ALL}, by=vote)",
    f"sequential({ALL}, by=gru)",
    f"sequential({ALL}, by=film)",
    "tree((photo, sound), text, (scan, tabular), by=gate)",
    "parallel(sequential(text, sound, by=film), photo, by=vote)",
]


def network(plan: str | None, names: Sequence[str], seed: int = 0, **options: Any) -> NetworkPredictor:
    """Return a network whose weights are all drawn, those that start at 0 too, in a unit of its own for numbers."""
    numbers = options.get("regression", False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = Network(make_spec(plan, names, **options), torch.tensor([0.1] if numbers else PRIOR))
        with torch.no_grad():
            for weight in made.parameters():
                weight += 0.1 * torch.randn(weight.shape)
    return NetworkPredictor(made, 70.0, 12.0) if numbers else NetworkPredictor(made)


def batch_of(names: Sequence[str], num: int = 5, seed: int = 0) -> Batch:
    """Return rows as prepared: pictures uint8; row 0 has all, the last nothing, others some; absent is NaN or noise."""
    cells = sum(2 if name == "scan" else 1 for name in names)
    presence = np.random.default_rng(seed).random((num, cells)) < 0.6
    presence[0] = True
    if num > 1:
        presence[-1] = False
    batch = make_batch(names, presence.tolist(), float("nan"))
    for name in {"photo", "scan"} & set(names):
        batch.inputs[name] = (batch.inputs[name].nan_to_num(0.7) * 255).to(torch.uint8)
    return batch


def ask(graph: Graph, batch: Batch) -> np.ndarray:
    """Return what the graph says while it is still torch."""
    given = []
    for port in graph.ports:
        given += [batch.inputs[port.modality], (batch.cells if port.several else batch.present)[port.modality]]
    with torch.inference_mode():
        return graph.eval()(*given).numpy()


# the graph, before it is ONNX


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("plan", PLANS)
def test_the_graph_says_what_the_network_says(plan: str, late: bool) -> None:
    predictor = network(plan, plans.leaves(plans.parse(plan)), late=late)
    batch = batch_of(predictor.names)
    found = ask(Graph(predictor), batch)
    assert found == pytest.approx(predictor(batch), abs=1e-5)
    assert found[4] == pytest.approx(PRIOR, abs=1e-6)


@pytest.mark.parametrize("name", ["photo", "scan", "sound", "text", "tabular"])
def test_one_modality_alone(name: str) -> None:
    predictor = network(None, [name])
    batch = batch_of([name])
    assert ask(Graph(predictor), batch) == pytest.approx(predictor(batch), abs=1e-5)


def test_what_is_absent_changes_nothing_and_a_row_alone_is_that_row_in_a_batch() -> None:
    graph = Graph(network(f"parallel({ALL}, by=attention)", ALL.split(", ")))
    batch = batch_of(ALL.split(", "))
    found = ask(graph, batch)
    for name, x in batch.inputs.items():
        there = batch.cells[name] if name == "scan" else batch.present[name]
        x[~there] = 3
    assert np.array_equal(ask(graph, batch), found)
    assert ask(graph, take_rows(batch, [2])) == pytest.approx(found[2:3], abs=1e-6)


def test_numbers_come_in_the_unit_of_the_target() -> None:
    predictor = network("parallel(text, tabular)", ["text", "tabular"], regression=True)
    batch = batch_of(["text", "tabular"])
    graph = Graph(predictor)
    found = ask(graph, batch)
    assert (graph.output, found.dtype, found.shape) == ("values", np.float64, (5, 1))
    assert found == pytest.approx(predictor(batch), abs=1e-4)
    assert found[4, 0] == pytest.approx(71.2, abs=1e-4)  # the prior of 0.1 spreads of 12 above 70


COMBINERS = [
    Average(),
    Weighted((0.7, 0.4, 0.0)),
    Mixture((0.5, 0.0, 0.5)),
    Stacked(np.random.default_rng(0).standard_normal((13, 3)) / 2),
]


@pytest.mark.parametrize("combiner", COMBINERS, ids=lambda c: type(c).__name__)
def test_a_blend_is_combined_inside(combiner: Any) -> None:
    shared = network("parallel(photo, text)", ["photo", "text"])
    members = [Calibrated(shared, 2.5), network(None, ["tabular"], 1), Calibrated(network(None, ["scan"], 2), 1.0)]
    blend = Calibrated(Blend(members, combiner, PRIOR), 0.6)
    batch = batch_of(["photo", "text", "tabular", "scan"], 12)
    assert ask(Graph(blend), batch) == pytest.approx(blend(batch), abs=1e-5)


@pytest.mark.parametrize(
    "combiner", [Average(), Weighted((0.7, 0.0), True), Stacked(np.array([[0.5], [0.6], [1.0], [2.0], [3.0]]), True)]
)
def test_a_blend_of_numbers(combiner: Any) -> None:
    members = [network(None, [name], seed, regression=True) for seed, name in enumerate(["text", "tabular"])]
    blend = Blend(members, combiner, np.array([71.0]))
    batch = batch_of(["text", "tabular"], 12)
    found = ask(Graph(blend), batch)
    assert found == pytest.approx(blend(batch), abs=1e-4)
    assert found[-1, 0] == 71.0


def test_a_class_that_training_never_had() -> None:
    prior = np.array([0.6, 0.4, 0.0])
    members = [network(None, ["text"]), network(None, ["tabular"], 1)]
    batch = batch_of(["text", "tabular"])
    for combiner in (Weighted((1.0, 0.5)), Stacked(np.random.default_rng(0).standard_normal((9, 3)))):
        blend = Blend(members, combiner, prior)
        assert ask(Graph(blend), batch) == pytest.approx(blend(batch), abs=1e-5)


def test_a_network_that_two_members_share_is_in_the_graph_once() -> None:
    shared = network(None, ["text"])
    blend = Blend([shared, Calibrated(shared, 2.0)], Average(), PRIOR)
    assert len(Graph(blend).networks) == 1


def test_inputs_never_share_a_name() -> None:
    names = ["text", "tabular"]
    spec = make_spec("parallel(text, text_present)", names)
    spec["strands"][1] = {**spec["strands"][1], "name": "text_present"}
    graph = Graph(NetworkPredictor(Network(spec, torch.tensor(PRIOR))))
    assert [(p.values, p.there) for p in graph.ports] == [
        ("text", "text_present_"),
        ("text_present", "text_present_present"),
    ]


# pretrained encoders of pictures


class Bright(nn.Module):
    """A tiny encoder of one's own: how bright each quarter of a picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(x).flatten(1)


def bright() -> Any:
    prep = ImagePrep(height=8, width=8)
    return wrap_own(Bright(), "image", prep, (1, 8, 8), "uint8")


def seen_network(kind: str, columns: int, seed: int) -> NetworkPredictor:
    """Return a network of a picture, or two in a row, through `bright`: frozen ("vectors") or tuned."""
    frozen = bright()
    layout: dict[str, Any] = {"kind": "vectors", "tokens": frozen.tokens, "width": frozen.width}
    if kind == "tuned":
        layout = {"kind": "tuned", "shape": [1, 8, 8], "frozen": frozen.describe()}
    strand = {"name": "photo", "kind": "image", "group": "image", "columns": columns}
    if kind == "tuned":
        strand["input"] = "photo raw"
    spec = {**make_spec(None, ["photo"]), "strands": [strand], "layouts": {"image": layout}}
    makers = {"image": lambda dim: TunedEncoder(frozen.new_network(), 1, 4, dim)} if kind == "tuned" else None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return NetworkPredictor(Network(spec, torch.tensor(PRIOR), encoders=makers))


@pytest.mark.parametrize("columns", [1, 2])
def test_the_encoder_of_pictures_is_inside_and_may_be_tuned(columns: int) -> None:
    members = [seen_network("vectors", columns, 0), seen_network("tuned", columns, 1)]
    blend = Blend(members, Average(), PRIOR)
    generator = np.random.default_rng(0)
    raw = torch.from_numpy(generator.integers(0, 256, (6, columns, 1, 8, 8)).astype(np.uint8))
    cells = torch.from_numpy(generator.random((6, columns)) < 0.7)
    cells[0], cells[1] = True, False
    features = torch.from_numpy(bright().encode(raw.flatten(0, 1).numpy())).unflatten(0, (6, columns))
    shape = slice(None) if columns > 1 else 0
    own = {"photo": features[:, shape], "photo raw": raw[:, shape]}
    several = dict.fromkeys(own, cells) if columns > 1 else {}
    expected = blend(Batch(own, {name: cells.any(1) for name in own}, None, several))
    graph = Graph(blend, {"photo": bright()})
    assert [(p.values, p.dtype, p.shape) for p in graph.ports] == [("photo", "uint8", tuple(raw[:, shape].shape[1:]))]
    with torch.inference_mode():
        found = graph.eval()(raw[:, shape], cells if columns > 1 else cells[:, 0]).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found[1] == pytest.approx(PRIOR, abs=1e-6)
    assert abs(found[0] - PRIOR).max() > 0.01


def test_a_tuned_encoder_that_is_not_of_pictures_is_refused() -> None:
    with pytest.raises(plait.RequestError, match="'photo' was tuned, and of those only encoders of pictures"):
        Graph(seen_network("tuned", 1, 0))


def test_a_run_with_an_encoder_of_pictures_answers_without_the_encoder(explained_table: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model = plait.fit(
        explained_table,
        target="label",
        fusion="parallel(photo, text, by=vote)",
        encoders={"photo": Bright()},
        epochs=3,
        report=False,
    )
    done = plait.export(model, out=tmp_path / "model.onnx")
    assert done.inputs[0] == {"name": "photo", "dtype": "uint8", "shape": ["batch", 1, 8, 8]}
    written = plait.load(done.path)
    expected, found = model.predict(explained_table), written.predict(explained_table)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4, nan_ok=True)
    assert (found.status, found.reason) == (expected.status, expected.reason)
    heats = [
        next(d for d in m.explain(explained_table, row=1).details if d.modality == "photo").heat
        for m in (model, written)
    ]
    assert heats[1] == pytest.approx(heats[0], abs=1e-3)


# through ONNX Runtime


def through_onnx(predictor: Any) -> OnnxPredictor:
    graph = Graph(predictor)
    return OnnxPredictor(open_session(write_graph(graph, {})), graph.ports, graph.output, 1 if graph.regression else 3)


@pytest.fixture(scope="module")
def blended() -> Any:
    """A stacked vote over pictures and over tables that share an encoder, and the same through ONNX Runtime.

    Tracing takes seconds, so one graph holds what is most apart; bench/bench_export.py asks each operator by itself.
    """
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    spec = make_spec(
        "parallel(sequential(parallel(a, b, by=attention), c, by=gru), scan, by=vote)", ["tabular", "scan"]
    )
    table, scan = spec["strands"]
    spec["strands"] = [*({**table, "name": name} for name in "abc"), scan]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        voted = NetworkPredictor(Network(spec, torch.tensor(PRIOR)))
    members = [Calibrated(voted, 1.7), voted]
    blend = Blend(members, Stacked(np.random.default_rng(0).standard_normal((9, 3)) / 2), PRIOR)
    graph = Graph(blend)
    session = open_session(write_graph(graph, {}))
    return blend, OnnxPredictor(session, graph.ports, graph.output, 3)


@pytest.mark.parametrize("num", [1, 5])
def test_a_blend_through_onnx(blended: Any, num: int) -> None:
    blend, written = blended
    batch = batch_of(["scan"], num, seed=3)
    for seed, name in enumerate("abc"):
        table = batch_of(["tabular"], num, seed)
        batch.inputs[name], batch.present[name] = table.inputs["tabular"], table.present["tabular"]
    found = written(batch)
    assert found == pytest.approx(blend(batch), abs=1e-4)
    if num == 5:
        assert found[4] == pytest.approx(PRIOR, abs=1e-6)


def test_what_goes_into_the_graph(blended: Any) -> None:
    assert [(p.values, p.dtype, p.shape, p.there) for p in blended[1].ports[2:]] == [
        ("c", "float32", (6,), "c_present"),
        ("scan", "uint8", (2, 1, 8, 8), "scan_cells"),
    ]


def test_an_input_of_another_shape_is_named(blended: Any) -> None:
    batch = Batch({}, {})
    for port in blended[1].ports:
        batch.inputs[port.modality] = torch.zeros(5, *port.shape)
        batch.present[port.modality] = torch.ones(5, dtype=torch.bool)
    batch.inputs["c"] = torch.zeros(5, 5)
    with pytest.raises(plait.RequestError, match=r"modality 'c': got .* \(5, 5\); expected \(batch, 6\)"):
        blended[1](batch)
    del batch.inputs["c"]
    with pytest.raises(plait.RequestError, match="the batch has no modality 'c'"):
        blended[1](batch)


# a run as a file


@pytest.fixture(scope="module")
def model(explained_table: Path) -> Any:
    """A quick model of pictures and texts; row 0 has no photo, row 2 nothing at all."""
    return plait.fit(explained_table, target="label", fusion="parallel(photo, text, by=gate)", epochs=3)


@pytest.fixture(scope="module")
def exported(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(the run folder, what export said, the file)."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    run = model.save(tmp_path_factory.mktemp("exported") / "run")
    return run, plait.export(run)


def test_a_file_answers_as_the_run_does(exported: Any, explained_table: Path, model: Any) -> None:
    run, done = exported
    assert done.path == run.parent / "run.onnx"
    expected = model.predict(explained_table)
    shutil.copy(done.path, run.parent / "alone.onnx")
    found = OnnxModel.load(run.parent / "alone.onnx").predict(explained_table)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4, nan_ok=True)
    assert found.labels == expected.labels
    assert found.status == expected.status
    assert found.reason == expected.reason
    assert found.status[:4] == ["partial", "ok", "failed", "ok"]
    assert found.classes == ["no", "yes"]


def test_what_export_says(exported: Any) -> None:
    _, done = exported
    told = json.loads(json.dumps(done.to_json(), default=str))
    assert [port["name"] for port in told["inputs"]] == ["photo", "photo_present", "text", "text_present"]
    assert told["inputs"][0]["dtype"] == "uint8"
    assert told["inputs"][1] == {"name": "photo_present", "dtype": "bool", "shape": ["batch"]}
    assert told["outputs"] == [{"name": "probabilities", "dtype": "float32", "shape": ["batch", 2]}]
    assert told["bytes"] == done.path.stat().st_size
    assert (told["rows"], told["drawn"]) == (64, True)
    assert 0 <= told["difference"] < 1e-4
    assert "probabilities: float32 (batch, 2)" in str(done)
    assert f"next: plait predict {done.path} TABLE" in str(done)


def test_a_file_holds_all_but_no_path_of_this_machine(exported: Any) -> None:
    _, done = exported
    data = done.path.read_bytes()
    assert str(Path(plait.__file__).parent).encode() not in data
    assert str(Path(torch.__file__).parent).encode() not in data
    facts = plait.load(done.path).facts
    assert facts["seal"] == plait.load(exported[0]).facts["seal"]
    assert facts["version"] == plait.__version__
    assert facts["modalities"][1] == {"name": "text", "kind": "text", "columns": ["note"]}


def test_a_file_is_scored_and_explained_like_a_run(exported: Any, explained_table: Path, model: Any) -> None:
    loaded = plait.load(exported[1].path)
    table = plait.read(explained_table)[:6]
    scores = plait.evaluate(loaded, table)
    assert (scores["rows"], scores["failed"], scores["alone"]) == (6, 1, {})
    assert len(scores["by_modalities"]) == 3
    told, expected = (which.explain(table).found.shares["text"] for which in (loaded, model))
    assert told == pytest.approx(expected, abs=1e-4)
    assert "which predicts 'label', in ONNX" in str(loaded)
    with pytest.raises(plait.RequestError, match="holds the winner alone"):
        loaded.study


def test_the_command_predicts_from_a_file(exported: Any, explained_table: Path, tmp_path: Path, capsys: Any) -> None:
    from plait.cli import main

    with pytest.raises(SystemExit) as end:
        main(["predict", str(exported[1].path), str(explained_table), "--out", str(tmp_path / "answers.csv")])
    assert end.value.code == 0
    assert "48 rows, 46 ok, 1 partial, 1 failed" in capsys.readouterr().out
    assert read_csv(tmp_path / "answers.csv")[3]["status"] == "ok"


def test_the_command_exports(exported: Any, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from plait.cli import main
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda _: data)
    path = tmp_path / "model.onnx"
    with pytest.raises(SystemExit) as end:
        main(["export", str(exported[0]), "--to", "onnx", "--out", str(path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (end.value.code, told["path"], told["bytes"], told["rows"]) == (0, str(path), len(data), 64)
    with pytest.raises(SystemExit) as end:
        main(["export", str(exported[0]), "--to", "onnx", "--out", str(path)])
    assert end.value.code == 2
    assert "model.onnx exists. Name another file with --out" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_absent(exported: Any, explained_table: Path, tmp_path: Path) -> None:
    rows = [{"note": row["note"]} for row in read_csv(explained_table)[:3]]
    found = plait.predict(exported[1].path, write_csv(tmp_path / "notes.csv", rows))
    assert found.status == ["partial", "partial", "failed"]


def test_a_file_that_is_there_stays(exported: Any) -> None:
    with pytest.raises(plait.RunError, match=r"run\.onnx exists\. Name another file with --out, or give --overwrite"):
        plait.export(exported[0])


@pytest.mark.parametrize("spoil", ["cut", "flip", "text"])
def test_a_damaged_file(exported: Any, tmp_path: Path, spoil: str) -> None:
    data = bytearray(exported[1].path.read_bytes())
    data[len(data) // 2] ^= 1
    spoiled = {"cut": bytes(data[: len(data) // 2]), "flip": bytes(data), "text": b"not a network"}[spoil]
    (tmp_path / "bad.onnx").write_bytes(spoiled)
    with pytest.raises(plait.RunError, match=r"bad\.onnx is damaged, or is no file that plait export wrote"):
        OnnxModel.load(tmp_path / "bad.onnx")
    with pytest.raises(plait.RunError, match=r"none\.onnx cannot be read \(No such file"):
        plait.load(tmp_path / "none.onnx")


def test_drawn_rows_are_as_preparation_gives_them(model: Any) -> None:
    strands = model.strands
    batch = draw_batch(strands, 6, np.random.default_rng(0))
    assert {name: x.dtype for name, x in batch.inputs.items()} == {
        "photo": torch.uint8,
        "text": torch.float32,
    }
    assert [tuple(x.shape[1:]) for x in batch.inputs.values()] == [s.shape() for s in strands]
    assert [bool(there[0]) for there in batch.present.values()] == [True] * 2
    assert [bool(there[1]) for there in batch.present.values()] == [False] * 2
    assert batch.inputs["text"][1].isnan().all()


# what is refused


@pytest.fixture(scope="module")
def classic() -> Any:
    """A model of which a logistic regression has won, without a folder."""
    codes = np.arange(20) % 3
    goal = Goal(codes, PRIOR)
    layouts = {"tabular": {"kind": "tabular", "numbers": 1, "categories": []}}
    features = {"tabular": np.eye(3)[codes] + 0.1 * np.random.default_rng(0).standard_normal((20, 3))}
    learner = fit_classic("logistic regression", features, goal, ["tabular"], layouts, np.random.default_rng(0))
    return Model({"task": "classification", "classes": ["a", "b", "c"], "seed": 0}, [], {"winner": learner})


def test_a_classic_winner_is_refused(classic: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    expected = (
        r"contains a classic learner \(logistic regression\).*--candidates alone --candidates parallel, or --fusion"
    )
    with pytest.raises(plait.RequestError, match=expected):
        plait.export(classic, out=tmp_path / "model.onnx")
    blend = Blend([network(None, ["tabular"]), classic.predictor()], Average(), PRIOR)
    with pytest.raises(plait.RequestError, match=expected):
        plait.export(replace(classic, predictors={"winner": blend}), out=tmp_path / "model.onnx")
    with pytest.raises(plait.RequestError, match="says the share of each class and looks at nothing; only networks"):
        plait.export(replace(classic, predictors={"winner": MajorityPredictor(PRIOR)}), out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_wrong_requests(classic: Any, exported: Any, tmp_path: Path) -> None:
    with pytest.raises(plait.RequestError, match=r"cannot export to 'onx'\. Did you mean 'onnx'"):
        plait.export(classic, to="onx")
    with pytest.raises(plait.RequestError, match="this model has no run folder; name the file to write"):
        plait.export(classic)
    with pytest.raises(plait.RequestError, match=r"'model\.pt' cannot be written; .* ends in \.onnx"):
        plait.export(classic, out=tmp_path / "model.pt")
    with pytest.raises(plait.RequestError, match="is in an ONNX file already"):
        plait.export(exported[1].path)


def test_a_recogniser_is_refused(classic: Any) -> None:
    from plait.runs.transcriber import Transcriber

    heard = Transcriber({"task": "recognition"}, [], {})
    with pytest.raises(plait.RequestError, match="a recogniser cannot be exported"):
        plait.export(heard, out="heard.onnx")


def test_another_answer_is_not_written(exported: Any, model: Any, tmp_path: Path, monkeypatch: Any) -> None:
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda _: data)
    monkeypatch.setattr(OnnxPredictor, "__call__", lambda self, batch: np.full((64, 2), 0.5))
    with pytest.raises(plait.RequestError, match="the file was not written: its answers differ from those of the run"):
        plait.export(model, out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_table_are_tried(exported: Any, explained_table: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda _: data)
    path = tmp_path / "model.onnx"
    path.write_text("an older one")
    done = plait.export(exported[0], out=path, rows=explained_table, overwrite=True)
    assert (done.rows, done.drawn, done.difference < 1e-4) == (48, False, True)
    assert path.read_bytes() == data
