"""Views: what they learn and from which rows, their second views, and how encoders and options are chosen."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from holes import views_of, write_holes
from plait.core.contract import Column, Modality, Schema, second_name
from plait.core.options import FitOptions
from plait.data.read import read
from plait.errors import RequestError, TableError
from plait.kinds.audio.acoustic import WIDTH
from plait.kinds.detect import detect
from plait.kinds.image.prep import ImagePrep
from plait.kinds.text.prep import TextPrep
from plait.models.rows import prepare
from plait.models.views import (
    View,
    beside_views,
    by_modality,
    encoder_names,
    fit_views,
    letter_views,
    may_gain,
    name_modalities,
    prep_options,
    text_views,
    tuned_views,
)
from tiny import read_csv, write_csv, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_holes(tmp_path_factory.mktemp("holes"))


def test_modalities_of_one_kind_share_a_group_unless_their_options_differ(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 8))
    table = [{"front": r["photo"], "back": r["photo"], "label": r["label"]} for r in rows]
    data = read(write_csv(tmp_path / "two.csv", table))
    shared = views_of(data, kinds={})
    assert [(s.name, s.group) for s in shared] == [("front", "image"), ("back", "image")]
    assert shared[0].prep is shared[1].prep
    apart = views_of(data, kinds={}, prep={"back.rotate": 90})
    assert len({s.group for s in apart}) == 2
    assert [s.prep.rotate for s in apart] == [0.0, 90.0]


def test_a_view_goes_through_its_state(folder: Path) -> None:
    table = read(folder / "table.csv")
    views = views_of(table)
    again = [View.from_state(*view.state()) for view in views]
    first, second = prepare(table, views), prepare(table, again)
    for name in first.names:
        assert np.array_equal(first.inputs[name], second.inputs[name]), name
    assert [s.layout() for s in again] == [s.layout() for s in views]


# a table written out as words

AGES: dict[str, list[Any]] = {
    "note": ["warm and dry", "cold and wet", "", "warm and wet", "cold and dry", "warm and dry"],
    "age": [30, 40, 30, None, 40, 30],
    "colour": ["red", "red", "blue", "", "blue", "red"],
    "label": ["no", "yes", "no", "yes", "yes", "no"],
}
AGE_KINDS = {"age": "number", "note": "text", "colour": "category"}


def test_a_table_beside_texts_is_written_out_as_words() -> None:
    table = read(AGES)
    views = views_of(table, kinds=AGE_KINDS)
    (as_text,) = text_views(table, views, np.arange(6), np.random.default_rng(0))
    assert (as_text.name, as_text.kind, as_text.of) == (second_name("tabular", "as text"), "text", "tabular")
    assert as_text.modality.columns == ("age", "colour")
    assert as_text.encoder == "tfidf"
    prepared = prepare(table, [*views, as_text])
    words = prepared.inputs[as_text.name]
    assert prepared.cells[as_text.name][:, 0].tolist() == [True, True, True, False, True, True]
    # what is seen are the words of the cells, a number among them, as a text prep of those sentences sees them
    texts = ["age 30 colour red", "age 40 colour red", "age 30 colour blue", "age 40 colour blue", "age 30 colour red"]
    by_hand = TextPrep().fitted(texts, np.random.default_rng(0))
    assert words[[0, 1, 2, 4, 5]].shape[1] == by_hand.features
    assert not np.allclose(words[0], words[1], atol=1e-3)  # 30 and 40
    assert not np.allclose(words[0], words[2], atol=1e-3)  # red and blue
    assert np.array_equal(words[0], words[5])
    assert not words[3].any()


def test_a_second_view_is_no_modality_and_comes_and_goes_with_the_one_it_shows() -> None:
    table = read(AGES)
    views = views_of(table, kinds=AGE_KINDS)
    as_texts = text_views(table, views, np.arange(6), np.random.default_rng(0))
    name = as_texts[0].name
    prepared = prepare(table, views + as_texts)
    assert prepared.names == ["text", "tabular"]
    assert set(prepared.present) == {"text", "tabular"}
    assert prepared.statuses()[3] == ("partial", "tabular: blank")
    assert prepared.statuses()[2] == ("partial", "text: blank")
    rows = np.arange(6)
    assert prepared.batch(rows).present[name].tolist() == [True, True, True, False, True, True]
    assert not prepared.batch(rows, keep=["text"]).present[name].any()
    assert prepared.batch(rows, keep=["tabular"]).present[name].sum() == 5
    assert prepared.take(rows[:2]).batch(rows[:2]).present[name].tolist() == [True, True]


def test_a_second_view_goes_through_its_state() -> None:
    table = read(AGES)
    (as_text,) = text_views(table, views_of(table, kinds=AGE_KINDS), np.arange(6), np.random.default_rng(0))
    again = View.from_state(*as_text.state())
    assert (again.name, again.of, again.encoder) == (as_text.name, "tabular", "tfidf")
    assert np.array_equal(prepare(table, [again]).inputs[again.name], prepare(table, [as_text]).inputs[as_text.name])


def test_a_text_is_seen_by_its_letters_where_its_encoder_is_left_open() -> None:
    table = read(AGES)
    views, rows = views_of(table, kinds=AGE_KINDS), np.arange(6)
    (letters,) = letter_views(table, views, rows, {"text": "auto", "tabular": "auto"})
    assert letter_views(table, views, rows, {"text": "tokens", "tabular": "auto"}) == []
    assert (letters.name, letters.of, letters.is_main) == (second_name("text", "letters"), "text", False)
    assert letters.layout() == {"kind": "letters", "bytes": letters.prep.tokens}
    prepared = prepare(table, [*views, letters])
    x = prepared.inputs[letters.name]
    assert (x.dtype, x.shape) == (np.uint8, (6, letters.prep.tokens))
    assert prepared.cells[letters.name].ravel().tolist() == prepared.cells["text"].ravel().tolist()
    again = View.from_state(*letters.state())
    assert (again.how, again.layout()) == ("letters", letters.layout())
    assert np.array_equal(prepare(table, [again]).inputs[again.name], x)


def test_a_second_view_needs_a_text_a_table_and_a_cell() -> None:
    table = read(AGES)
    views = views_of(table, kinds=AGE_KINDS)
    generator = np.random.default_rng(0)
    assert [s.kind for s in views] == ["text", "tabular"]
    assert text_views(table, views[1:], np.arange(6), generator) == []
    assert text_views(table, views[:1], np.arange(6), generator) == []
    assert text_views(table, views, np.array([3]), generator) == []


def test_words_of_rows_not_fitted_on_are_unknown() -> None:
    table = read({**AGES, "colour": ["red", "red", "red", "", "red", "green"]})
    views = views_of(table, kinds=AGE_KINDS)
    as_texts = [
        text_views(some, views, np.arange(5), np.random.default_rng(0))[0]
        for some in (table, read({**AGES, "colour": ["red", "red", "red", "", "red", "purple"]}))
    ]
    first, second = (prepare(table, [as_text]).inputs[as_text.name] for as_text in as_texts)
    assert np.array_equal(first, second)


# what is learned, and from which rows


def test_statistics_are_of_the_rows_given_and_no_others(tmp_path: Path) -> None:
    data = {
        "a": [1.0, 3.0, 1000.0],
        "c": ["x", "y", "z"],
        "t": ["old ox", "old fox", "zebra zebra"],
        "label": ["p", "q", "p"],
    }
    kinds = {"a": "number", "c": "category", "t": "text"}

    def learn(last: dict[str, Any]) -> list[Any]:
        table = read({**data, **{n: [*data[n][:2], v] for n, v in last.items()}})
        views = views_of(table, [0, 1], kinds=kinds)
        return [(s.state()[0], {k: v.tolist() for k, v in s.state()[1].items()}) for s in views]

    assert learn({}) == learn({"a": -5.0, "c": "w", "t": "another tale"})
    table = read(data)
    prepared = prepare(table, views_of(table, [0, 1], {"tabular.scale": "standard"}, kinds=kinds))
    assert prepared.inputs["tabular"][:2, 0].tolist() == [-1.0, 1.0]  # mean 2, standard deviation 1


def test_the_size_of_pictures_is_that_of_training_rows(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 6))
    Image.new("RGB", (20, 16), "red").save(tmp_path / "big.png")
    for row in rows[3:]:
        row["photo"] = "big.png"
    table = read(write_csv(tmp_path / "table.csv", rows))
    views = views_of(table, [0, 1, 2])
    assert views[0].layout() == {"kind": "image", "channels": 1, "height": 8, "width": 8}


@pytest.mark.parametrize(
    ("column", "content", "said"),
    [
        ("photo", "", "column 'photo': no training row has a picture that can be read (every cell is blank)."),
        ("photo", "words.png", "column 'photo': no training row has a picture that can be read (not an image"),
        ("sound", "gone.wav", "column 'sound': no training row has a sound that can be read (file not found: gone.wav"),
        ("note", "", "column 'note': no training row has a text."),
    ],
)
def test_a_modality_with_nothing_to_learn_from_is_told(folder: Path, column: str, content: str, said: str) -> None:
    rows = read_csv(folder / "table.csv")
    for row in rows[:6]:
        row[column] = content
    (folder / "bad").mkdir(exist_ok=True)
    table = read(write_csv(folder / f"bad-{column}.csv", rows))
    with pytest.raises(TableError, match=re.escape(said)):
        views_of(table, range(6))


@pytest.mark.parametrize(("encoder", "learned"), [("static", False), ("tfidf", True), (nn.Embedding(99, 4), True)])
def test_a_text_that_a_pretrained_encoder_reads_gets_no_vocabulary(folder: Path, encoder: Any, learned: bool) -> None:
    if encoder == "static":
        pytest.importorskip("wordllama")
    rows = read(folder / "table.csv")
    schema = detect(rows, target="label")
    made = fit_views(rows, schema, np.arange(12), {}, np.random.default_rng(0), {"text": encoder})
    prep = next(view.prep for view in made if view.name == "text")
    assert (bool(prep.terms), prep.length > 0) == (learned, learned)


# options


def test_prep_options_are_of_a_modality_or_of_a_kind(folder: Path) -> None:
    table = read(folder / "table.csv")
    schema = detect(table, target="label", kinds={"photo": "image", "sound": "audio", "note": "text"})
    own = ImagePrep(rotate=5.0)
    assert prep_options(schema, {"image.rotate": 90, "photo.mode": "L"})["photo"] == {"rotate": 90, "mode": "L"}
    assert prep_options(schema, {"audio": {"denoise": True}})["sound"] == {"denoise": True}
    assert prep_options(schema, {"image": own})["photo"] == {"prep": own}
    for prep, said in [
        ({"imgae.rotate": 1}, "there is no modality 'imgae' to prepare. Did you mean 'image'?"),
        ({"image": 3}, "prep 'image' is 3; expected MODALITY.OPTION=VALUE, such as image.rotate=90."),
    ]:
        with pytest.raises(RequestError, match=re.escape(said)):
            prep_options(schema, prep)
    with pytest.raises(RequestError, match=r"image has no option 'rotat'\. Did you mean 'rotate'"):
        views_of(table, prep={"image.rotat": 1})


def test_encoders_are_chosen_by_name(folder: Path) -> None:
    table = read(folder / "table.csv")
    schema = detect(table, target="label", kinds={"photo": "image", "sound": "audio", "note": "text"})
    assert encoder_names(schema, {"text": "tfidf"})["text"] == "tfidf"
    with pytest.raises(RequestError, match=r"modality 'text' has no encoder 'tfidff'\. Did you mean 'tfidf'"):
        encoder_names(schema, {"text": "tfidff"})
    with pytest.raises(RequestError, match=r"there is no modality 'txt'\. Did you mean 'text'"):
        encoder_names(schema, {"txt": "tfidf"})
    layouts = []
    for name in ("tfidf", "tokens", "both"):
        views = fit_views(table, schema, np.arange(12), {}, np.random.default_rng(0), {"text": name})
        (layout,) = (s.layout() for s in views if s.name == "text")
        layouts.append((layout["features"] > 0, layout["tokens"] > 0))
        prepared = prepare(table, [s for s in views if s.name == "text"])
        assert prepared.inputs["text"].shape == (12, layout["features"] + layout["tokens"])
    assert layouts == [(True, False), (False, True), (True, True)]


TWO = Schema(
    tuple(Column(name, kind) for name, kind in {"photo": "image", "scan": "image", "note": "text"}.items()),
    (Modality("photo", "image", ("photo",)), Modality("scan", "image", ("scan",)), Modality("text", "text", ("note",))),
)


def test_a_kind_stands_for_its_modalities_that_are_not_named() -> None:
    assert by_modality(TWO, {"image": "lite0", "text": "tfidf"}) == {"photo": "lite0", "scan": "lite0", "text": "tfidf"}
    for given in ({"image": "lite0", "scan": "scratch"}, {"scan": "scratch", "image": "lite0"}):
        assert by_modality(TWO, given) == {"photo": "lite0", "scan": "scratch"}
    assert by_modality(TWO, {"sound": "scratch"}) == {"sound": "scratch"}  # what there is not is told later


def test_what_is_tuned_is_named_by_modality() -> None:
    named = name_modalities(TWO, FitOptions(encoders={"image": "lite0"}, tune=["image=last-2"]))
    assert named.encoders == {"photo": "lite0", "scan": "lite0"}
    assert named.tune == ("photo=last-2", "scan=last-2")
    assert name_modalities(TWO, FitOptions(tune=["none"])).tune == ("none",)


def test_only_large_pictures_and_sentences_may_gain() -> None:
    def picture(side: int, **options: Any) -> View:
        prep = ImagePrep().fitted([Image.new("RGB", (8, side))])
        return View(Modality("photo", "image", ("photo",)), prep, "image", **options)

    def text(words: str) -> View:
        prep = TextPrep().fitted([words] * 4, np.random.default_rng(0))
        return View(Modality("text", "text", ("note",)), prep, "text")

    assert [may_gain(picture(side)) for side in (95, 96)] == [False, True]
    assert not may_gain(picture(96, how="rival"))
    assert [may_gain(text(words)) for words in ("warm and dry", "the sea was warm and the hills were dry")] == [
        False,
        True,
    ]


def test_only_a_pretrained_encoder_can_be_tuned(folder: Path) -> None:
    views = views_of(read(folder / "table.csv"))
    with pytest.raises(RequestError, match="tune names 'photo', which has no pretrained encoder to tune"):
        tuned_views(views, ["photo"])
    with pytest.raises(RequestError, match="tune names 'foto', which is no modality"):
        tuned_views(views, ["foto"])
    assert tuned_views(views, []) == []


def test_classic_learners_hear_sounds_in_further_ways(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.models.views.is_installed", lambda name: False)
    table = read(folder / "table.csv")
    views = views_of(table, prep={"sound.trim": True, "sound.seconds": 0.5})
    (view,) = beside_views(views, {"photo": "auto", "sound": "auto", "text": "auto", "tabular": "scratch"}, 48)
    assert (view.of, view.encoder, view.how, view.shape()) == ("sound", "acoustic", "beside", (1, WIDTH))
    assert view.frozen is not None
    assert (view.frozen.prep.audio.trim, view.frozen.prep.audio.seconds) == (True, 0.5)
    prepared = prepare(table, [*views, view])
    assert prepared.beside == {"sound": [view.name]}
    assert prepared.choices == {}
    assert np.array_equal(prepared.cells[view.name], prepared.cells["sound"])
    data, arrays = view.state()
    again = View.from_state(data, arrays)
    assert (again.name, again.how, again.shape()) == (view.name, "beside", view.shape())
    with pytest.raises(RequestError, match="whose numbers are made by hand; there is nothing to tune"):
        tuned_views([replace(view, how="own")], ["sound"])


def test_packages_of_sounds_are_heard_where_the_encoder_is_left_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def freeze(view: View, name: str, options: Any) -> None:
        made.append(name)

    monkeypatch.setattr("plait.models.views.is_installed", lambda name: name != "aisfx")
    monkeypatch.setattr("plait.models.views._freeze", freeze)
    views = views_of(read(folder / "table.csv"))
    names = dict.fromkeys(("photo", "text", "tabular"), "auto")
    assert [v.encoder for v in beside_views(views, {**names, "sound": "auto"}, 48)] == ["acoustic", "resemblyzer"]
    assert [v.encoder for v in beside_views(views, {**names, "sound": "scratch"}, 48)] == ["acoustic"]
    assert made == ["acoustic", "resemblyzer", "acoustic"]


def test_english_sentences_are_read_by_a_network_beside_the_others_where_that_is_light(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("plait.models.views.is_installed", lambda name: name == "minilm")
    monkeypatch.setattr("plait.models.views._freeze", lambda view, name, options: SimpleNamespace(options=options))
    english = [f"the engine of a car is in the garage and costs {n} pounds" for n in range(20)]
    german = [f"der Motor von einem Auto steht in der Garage und kostet {n} Pfund" for n in range(20)]

    def beside(texts: list[str], num: int, encoder: str = "auto", **prep: Any) -> list[View]:
        learned = TextPrep.of(prep).fitted(texts, np.random.default_rng(0))
        view = View(Modality("note", "text", ("note",)), learned, "note")
        return beside_views([view], {"note": encoder}, num)

    (view,) = beside(english, 1000, html=False)
    assert (view.encoder, view.how) == ("minilm", "beside")
    assert view.frozen.options["html"] is False  # type: ignore[union-attr]
    assert not beside(english, 100_000)
    assert not beside(german, 1000)
    assert not beside(["the cat and a dog"] * 20, 1000)  # no sentence
    assert not beside(english, 1000, "tfidf")
