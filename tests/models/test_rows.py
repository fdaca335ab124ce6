"""Every row in is a row out, with a reason for every hole; splits that keep what must be kept apart."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from plait.core.contract import SECOND, Column, Schema, Table
from plait.data.read import read
from plait.errors import RequestError, TableError
from plait.kinds.detect import detect
from plait.kinds.image.prep import ImagePrep
from plait.kinds.text.prep import TextPrep
from plait.models import rows as dataset
from plait.models.rows import prepare
from plait.models.views import Strand, encoder_names, fit_strands, prep_options, shadow_strands
from plait.study.splits import choose_splits
from tiny import read_csv, write_csv, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve rows; row 1 lacks its picture, 2 has words for one, 3 a sound that is not there, 4 nothing at all."""
    folder = tmp_path_factory.mktemp("holes")
    rows = read_csv(write_table(folder, 12))
    (folder / "words.png").write_text("these are words, no picture")
    rows[1]["photo"] = ""
    rows[2]["photo"] = "words.png"
    rows[3]["sound"] = "gone.wav"
    rows[4] |= dict.fromkeys(("photo", "sound", "note", "age", "colour"), "")
    rows[5]["age"] = "many"
    rows[6] |= {"age": "", "colour": ""}
    write_csv(folder / "table.csv", rows)
    return folder


def strands_of(table: Table, rows: Any = None, prep: Any = None, **options: Any) -> list[Strand]:
    given: dict[str, Any] = {
        "target": "label",
        "kinds": {"age": "number", "note": "text", "photo": "image", "sound": "audio"},
    }
    schema = detect(table, **{**given, **options})
    rows = np.arange(len(table)) if rows is None else np.asarray(rows)
    return fit_strands(table, schema, rows, prep or {}, np.random.default_rng(0))


# rows in, rows out


def test_every_row_is_there_in_its_order_with_status_and_reason(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, strands_of(table))
    assert len(prepared) == 12
    assert prepared.names == ["photo", "sound", "text", "tabular"]
    assert prepared.present["photo"].tolist() == [True, False, False, True, False] + [True] * 7
    assert prepared.present["sound"].tolist() == [True, True, True, False, False] + [True] * 7
    assert prepared.present["text"].tolist() == [True] * 4 + [False] + [True] * 7
    assert prepared.present["tabular"].tolist() == [True] * 4 + [False, True, False] + [True] * 5
    statuses = prepared.statuses()
    assert [s for s, _ in statuses] == ["ok", "partial", "partial", "partial", "failed", "partial", "partial"] + [
        "ok"
    ] * 5
    assert statuses[0][1] == ""
    assert statuses[1][1] == "photo: blank"
    assert re.match(r"photo: not an image: words\.png holds text", statuses[2][1])
    assert re.match(r"sound: file not found: gone\.wav", statuses[3][1])
    assert statuses[4][1] == "photo: blank; sound: blank; text: blank; tabular: blank"
    assert "age" in statuses[5][1]
    assert "many" in statuses[5][1]
    assert statuses[6][1] == "tabular: blank"


def test_statuses_can_be_of_some_modalities_only(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, strands_of(table))
    assert prepared.statuses(["photo"])[:4] == [
        ("ok", ""),
        ("failed", "photo: blank"),
        ("failed", prepared.statuses()[2][1]),
        ("ok", ""),
    ]


def test_the_values_are_those_of_the_rows_whatever_the_order(folder: Path) -> None:
    table = read(folder / "table.csv")
    strands = strands_of(table)
    whole = prepare(table, strands)
    order = [7, 2, 11, 4, 0]
    some = prepare(table.take(order), strands)
    for name in whole.names:
        assert np.array_equal(some.inputs[name], whole.inputs[name][order])
        assert np.array_equal(some.cells[name], whole.cells[name][order])
    assert some.reasons == [whole.reasons[row] for row in order]
    with Image.open(folder / "7.png") as picture:
        assert np.array_equal(some.inputs["photo"][0, 0], np.asarray(picture))  # 8 × 8 stays as it is
    assert not some.inputs["photo"][1].any()


def test_files_chunks_and_memory_give_the_same(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read(folder / "table.csv")
    strands = strands_of(table)
    whole = prepare(table, strands)
    monkeypatch.setattr(dataset, "CHUNK", 5)
    events: list[dict[str, Any]] = []
    chunked = prepare(table, strands, callback=events.append)
    filed = prepare(table, strands, folder=tmp_path / "inputs")
    assert [(e["done"], e["total"]) for e in events] == [(5, 12), (10, 12), (12, 12)]
    for other in (chunked, filed):
        assert other.reasons == whole.reasons
        for name in whole.names:
            assert other.inputs[name].dtype == whole.inputs[name].dtype
            assert np.array_equal(other.inputs[name], whole.inputs[name])
            assert np.array_equal(other.cells[name], whole.cells[name])
    assert isinstance(filed.inputs["photo"], np.memmap)
    size = (tmp_path / "inputs" / "0.raw").stat().st_size
    filed.inputs["photo"][:] = 7  # copy on write: the file stays
    assert (tmp_path / "inputs" / "0.raw").stat().st_size == size
    on_disk = np.fromfile(tmp_path / "inputs" / "0.raw", np.uint8)
    assert np.array_equal(on_disk, whole.inputs["photo"].reshape(-1))


def test_no_rows_give_no_rows(folder: Path, tmp_path: Path) -> None:
    table = read(folder / "table.csv")
    strands = strands_of(table)
    for place in (None, tmp_path / "none"):
        prepared = prepare(table.take([]), strands, folder=place)
        assert len(prepared) == 0
        assert prepared.inputs["photo"].shape == (0, 1, 8, 8)
        assert prepared.present["tabular"].shape == (0,)
        assert prepared.statuses() == []


def test_a_batch_holds_the_rows_asked_for_and_keeps_what_is_named(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, strands_of(table))
    batch = prepared.batch(np.array([3, 1]))
    assert batch.present["photo"].tolist() == [True, False]
    assert batch.present["sound"].tolist() == [False, True]
    assert batch.inputs["photo"].dtype == torch.uint8
    assert np.array_equal(batch.inputs["photo"][0].numpy(), prepared.inputs["photo"][3])
    kept = prepared.batch(np.array([3, 1]), ["photo"])
    assert {name: there.tolist() for name, there in kept.present.items()} == {
        "photo": [True, False],
        "sound": [False, False],
        "text": [False, False],
        "tabular": [False, False],
    }
    batch.inputs["photo"][:] = 0
    assert prepared.inputs["photo"][3].any()  # a batch is a copy


def test_several_columns_of_media_in_one_modality(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 8))
    table = [{"front": r["photo"], "back": r["photo"], "label": r["label"]} for r in rows]
    table[1]["back"] = ""
    table[2] |= {"front": "", "back": ""}
    data = read(write_csv(tmp_path / "two.csv", table))
    (strand,) = strands_of(data, kinds={}, modalities={"views": ["front", "back"]})
    prepared = prepare(data, [strand])
    assert strand.several
    assert prepared.inputs["views"].shape == (8, 2, 1, 8, 8)
    assert prepared.cells["views"][:3].tolist() == [[True, True], [True, False], [False, False]]
    assert prepared.present["views"].tolist() == [True, True, False] + [True] * 5
    assert prepared.statuses()[:3] == [
        ("ok", ""),
        ("partial", "views: back: blank"),
        ("failed", "views: front: blank; back: blank"),
    ]
    assert np.array_equal(prepared.inputs["views"][0, 0], prepared.inputs["views"][0, 1])
    batch = prepared.batch(np.array([1]))
    assert batch.cells["views"].tolist() == [[True, False]]


def test_modalities_of_one_kind_share_a_group_unless_their_options_differ(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 8))
    table = [{"front": r["photo"], "back": r["photo"], "label": r["label"]} for r in rows]
    data = read(write_csv(tmp_path / "two.csv", table))
    shared = strands_of(data, kinds={})
    assert [(s.name, s.group) for s in shared] == [("front", "image"), ("back", "image")]
    assert shared[0].prep is shared[1].prep
    apart = strands_of(data, kinds={}, prep={"back.rotate": 90})
    assert len({s.group for s in apart}) == 2
    assert [s.prep.rotate for s in apart] == [0.0, 90.0]


def test_a_strand_goes_through_its_state(folder: Path) -> None:
    table = read(folder / "table.csv")
    strands = strands_of(table)
    again = [Strand.from_state(*strand.state()) for strand in strands]
    first, second = prepare(table, strands), prepare(table, again)
    for name in first.names:
        assert np.array_equal(first.inputs[name], second.inputs[name]), name
    assert [s.layout() for s in again] == [s.layout() for s in strands]


# what is learned, and from which rows


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
    strands = strands_of(table, kinds=AGE_KINDS)
    (shadow,) = shadow_strands(table, strands, np.arange(6), np.random.default_rng(0))
    assert (shadow.name, shadow.kind, shadow.shadow) == ("tabular" + SECOND + "as text", "text", "tabular")
    assert shadow.modality.columns == ("age", "colour")
    assert shadow.encoder == "tfidf"
    prepared = prepare(table, [*strands, shadow])
    words = prepared.inputs[shadow.name]
    assert prepared.cells[shadow.name][:, 0].tolist() == [True, True, True, False, True, True]
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
    strands = strands_of(table, kinds=AGE_KINDS)
    shadows = shadow_strands(table, strands, np.arange(6), np.random.default_rng(0))
    name = shadows[0].name
    prepared = prepare(table, strands + shadows)
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
    (shadow,) = shadow_strands(table, strands_of(table, kinds=AGE_KINDS), np.arange(6), np.random.default_rng(0))
    again = Strand.from_state(*shadow.state())
    assert (again.name, again.shadow, again.encoder) == (shadow.name, "tabular", "tfidf")
    assert np.array_equal(prepare(table, [again]).inputs[again.name], prepare(table, [shadow]).inputs[shadow.name])


def test_a_second_view_needs_a_text_a_table_and_a_cell() -> None:
    table = read(AGES)
    strands = strands_of(table, kinds=AGE_KINDS)
    generator = np.random.default_rng(0)
    assert [s.kind for s in strands] == ["text", "tabular"]
    assert shadow_strands(table, strands[1:], np.arange(6), generator) == []
    assert shadow_strands(table, strands[:1], np.arange(6), generator) == []
    assert shadow_strands(table, strands, np.array([3]), generator) == []


def test_words_of_rows_not_fitted_on_are_unknown() -> None:
    table = read({**AGES, "colour": ["red", "red", "red", "", "red", "green"]})
    strands = strands_of(table, kinds=AGE_KINDS)
    shadows = [
        shadow_strands(some, strands, np.arange(5), np.random.default_rng(0))[0]
        for some in (table, read({**AGES, "colour": ["red", "red", "red", "", "red", "purple"]}))
    ]
    first, second = (prepare(table, [shadow]).inputs[shadow.name] for shadow in shadows)
    assert np.array_equal(first, second)


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
        strands = strands_of(table, [0, 1], kinds=kinds)
        return [(s.state()[0], {k: v.tolist() for k, v in s.state()[1].items()}) for s in strands]

    assert learn({}) == learn({"a": -5.0, "c": "w", "t": "another tale"})
    table = read(data)
    prepared = prepare(table, strands_of(table, [0, 1], {"tabular.scale": "standard"}, kinds=kinds))
    assert prepared.inputs["tabular"][:2, 0].tolist() == [-1.0, 1.0]  # mean 2, standard deviation 1


def test_the_size_of_pictures_is_that_of_training_rows(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 6))
    Image.new("RGB", (20, 16), "red").save(tmp_path / "big.png")
    for row in rows[3:]:
        row["photo"] = "big.png"
    table = read(write_csv(tmp_path / "table.csv", rows))
    strands = strands_of(table, [0, 1, 2])
    assert strands[0].layout() == {"kind": "image", "channels": 1, "height": 8, "width": 8}


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
        strands_of(table, range(6))


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
        strands_of(table, prep={"image.rotat": 1})


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
        strands = fit_strands(table, schema, np.arange(12), {}, np.random.default_rng(0), {"text": name})
        (layout,) = (s.layout() for s in strands if s.name == "text")
        layouts.append((layout["features"] > 0, layout["tokens"] > 0))
        prepared = prepare(table, [s for s in strands if s.name == "text"])
        assert prepared.inputs["text"].shape == (12, layout["features"] + layout["tokens"])
    assert layouts == [(True, False), (False, True), (True, True)]


# splits


def table_of(num: int, **columns: list[Any]) -> tuple[Table, Schema]:
    data = {
        "x": pa.chunked_array([list(range(num))]),
        **{n: pa.chunked_array([pa.array(v)]) for n, v in columns.items()},
    }
    roles = {"split": "split", "who": "group"}
    schema = Schema(tuple(Column(n, "category", roles.get(n, "feature")) for n in data), ())
    return Table(data, lines=[row + 2 for row in range(num)]), schema


def split_of(codes: Any, classification: bool = True, seed: int = 0, **columns: list[Any]) -> list[str]:
    codes = np.asarray(codes)
    table, schema = table_of(len(codes), **columns)
    return choose_splits(table, schema, codes, classification, np.random.default_rng(seed)).tolist()


def test_splits_are_drawn_stratified() -> None:
    codes = np.array([0] * 80 + [1] * 20)
    split = np.array(split_of(codes))
    for code, count in ((0, 80), (1, 20)):
        own = split[codes == code]
        assert abs((own == "val").sum() - 0.1 * count) <= 1
        assert abs((own == "test").sum() - 0.1 * count) <= 1
        assert (own == "train").sum() >= 0.78 * count - 1
    assert split.tolist() == split_of(codes)
    assert split.tolist() != split_of(codes, seed=1)


def test_the_rarest_class_keeps_a_row_for_training() -> None:
    for seed in range(20):
        split = np.array(split_of([0] * 30 + [1, 2], seed=seed))
        assert split[30:].tolist() == ["train", "train"]


def test_numbers_are_split_by_share() -> None:
    split = split_of([0] * 100, classification=False)
    assert {part: split.count(part) for part in ("train", "val", "test")} == {"train": 80, "val": 10, "test": 10}


def test_rows_without_a_label_are_in_no_split() -> None:
    split = split_of([0, -1] * 20 + [1, -1] * 20)
    assert all(part == "" for part in split[1::2])
    assert "" not in split[::2]


def test_the_users_split_is_kept_with_all_its_synonyms() -> None:
    words = ["train", "Training", " TRAIN ", "val", "valid", "Validation", "dev", "test", "TEST", None]
    split = split_of([0, 1] * 5, split=words)
    assert split == ["train"] * 3 + ["val"] * 4 + ["test"] * 2 + [""]


def test_only_what_is_missing_is_drawn() -> None:
    codes = [0, 1] * 50
    with_test = split_of(codes, split=["train"] * 60 + ["test"] * 40)
    assert with_test[60:] == ["test"] * 40
    assert 4 <= with_test[:60].count("val") <= 8
    with_val = split_of(codes, split=["train"] * 60 + ["dev"] * 40)
    assert with_val[60:] == ["val"] * 40
    assert 4 <= with_val[:60].count("test") <= 8
    train_only = split_of(codes, split=["train"] * 100)
    assert "test" not in train_only  # the test rows are kept elsewhere
    assert 8 <= train_only.count("val") <= 12


def test_whole_groups_are_drawn() -> None:
    who = [f"speaker {row // 5}" for row in range(100)]
    split = split_of([0, 1] * 50, who=who)
    for start in range(0, 100, 5):
        assert len(set(split[start : start + 5])) == 1
    assert {part: 5 <= split.count(part) <= 20 for part in ("val", "test")} == {"val": True, "test": True}
    assert split.count("train") >= 60


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    split = split_of([0, 1] * 20, who=["a"] * 20 + [None] * 20)  # type: ignore[list-item]
    assert len(set(split[:20])) == 1
    assert {"val", "test"} <= set(split)


@pytest.mark.parametrize(
    ("codes", "columns", "said"),
    [
        (
            [0, 1, 0],
            {"split": ["train", "tset", "val"]},
            "column 'split', row 1 (line 3): the split is 'tset'; expected train, val or test (also valid, vali",
        ),
        ([0, 1], {"split": ["val", "test"]}, "there are no training rows with a label."),
        ([-1, 0], {"split": ["train", "test"]}, "there are no training rows with a label."),
        ([0, 1, 0], {"who": ["a", "a", "a"]}, "the group column has one group among the training rows"),
    ],
)
def test_wrong_splits_are_told(codes: list[int], columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(TableError, match=re.escape(said)):
        split_of(codes, **columns)


@pytest.mark.parametrize("num", [1, 2, 3])
def test_a_split_never_takes_the_last_training_row(num: int) -> None:
    """A table too small for three splits keeps rows to learn from, or is refused; it is never left without any."""
    try:
        split = split_of([0, 1, 0][:num])
    except TableError:
        return
    assert "train" in split
