"""Columns get the kinds that a person would give them, with a reason; what the user says goes first."""

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from plait.core.contract import Column, Modality, Schema, Table
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect

MANY = range(40)


def kind(cells: object, name: str = "x") -> tuple[str, str]:
    """Return (kind, role) of one column beside another."""
    column = detect(read({name: cells, "other": list(range(7, 7 + len(cells)))})).column(name)
    assert column.why
    assert 0 < column.confidence <= 1
    return column.kind, column.role


@pytest.fixture
def media(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for i in range(4):
        Image.new("L", (4, 4), i).save(tmp_path / f"in/{i}.png")
        soundfile.write(tmp_path / f"in/{i}.wav", np.zeros(50), 8000)
    (tmp_path / "in/note.txt").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("x", [f"A{i % 3}" for i in MANY], ("category", "feature")),
        ("x", ["yes", "no"] * 20, ("category", "feature")),
        ("x", [True, False, None, True], ("category", "feature")),
        ("x", [0, 1, 1, 0], ("category", "feature")),
        ("性别", ["男", "女"] * 20, ("category", "feature")),
        ("x", ["General Petite", "General", "Intimates"] * 10, ("category", "feature")),
        ("Clothing ID", [i % 9 for i in MANY], ("category", "feature")),
        ("x", [i % 9 for i in MANY], ("number", "feature")),
        ("x", [i + 0.0 for i in MANY], ("number", "feature")),
        ("id", [i + 0.0 for i in MANY], ("number", "feature")),
        ("x", ["1,200", " 3 ", "4.5", "-2e3", "12%"], ("number", "feature")),
        ("x", [*(str(i * 7) for i in MANY), "broken"], ("number", "feature")),
        ("x", ["3", "NA", "4", "null", "5"], ("number", "feature")),
        ("x", [f"this is sentence number {i}" for i in MANY], ("text", "feature")),
        ("x", [f"nice thing {i}" for i in MANY], ("text", "feature")),
        ("评论", [f"这件衣服真的很好看我喜欢{i}" for i in MANY], ("text", "feature")),
        ("text", ["plus", "minus"] * 20, ("text", "feature")),
        ("comment", ["ok fine", "not good"] * 20, ("text", "feature")),
        ("x", [f"2024-01-{i % 28 + 1:02}" for i in MANY], ("date", "feature")),
        ("x", [f"{i % 28 + 1:02}.01.2024" for i in MANY], ("date", "feature")),
        ("x", [f"2024年1月{i % 28 + 1}日" for i in MANY], ("date", "feature")),
        ("x", [f"Jan {i % 28 + 1}, 2024 10:3{i % 9}" for i in MANY], ("date", "feature")),
        ("x", [datetime(2024, 1, 1 + i % 28) for i in MANY], ("date", "feature")),
        ("x", [date(2024, 1, 1 + i % 28) for i in MANY], ("date", "feature")),
        ("id", [i * 3 for i in MANY], ("id", "ignored")),
        ("patientId", [f"p-{i}" for i in MANY], ("id", "ignored")),
        ("编号", [f"甲{i}" for i in MANY], ("id", "ignored")),
        ("x", [f"train{i}" for i in MANY], ("id", "ignored")),
        ("x", [f"{i:032x}" for i in MANY], ("id", "ignored")),
        ("x", [f"{i:04}" for i in MANY], ("id", "ignored")),
        ("x", list(MANY), ("id", "ignored")),
        ("Unnamed: 0", [i * 37 % 101 for i in MANY], ("id", "ignored")),
        ("x", [5] * 40, ("category", "ignored")),
        ("x", ["same"] * 40, ("category", "ignored")),
        ("x", [None] * 40, ("category", "ignored")),
        ("x", ["", "  "] * 20, ("category", "ignored")),
        ("x", ["yes", None] * 20, ("category", "feature")),
        ("x", [["a", "b"], ["c"]] * 20, ("id", "ignored")),
    ],
)  # fmt: skip
def test_kinds_of_plain_columns(name: str, cells: list[object], expected: tuple[str, str]) -> None:
    if expected == ("id", "ignored") and isinstance(cells[0], list):
        table = Table({name: pa.chunked_array([cells]), "other": pa.chunked_array([list(range(7, 7 + len(cells)))])})
        assert (detect(table).column(name).kind, detect(table).column(name).role) == expected
    else:
        assert kind(cells, name) == expected


def test_reasons_tell_the_evidence(media: Path) -> None:
    table = read({"p": ["in/0.png", "in/1.png", None], "c": [1, 1, 1], "n": [3, 5, 4]}, folder=media)
    assert detect(table).columns == (
        Column("p", "image", "feature", "2 of 2 files looked into are PNG", 0.99),
        Column("c", "category", "ignored", "only one value: '1'", 1.0),
        Column("n", "number", "feature", "whole numbers, such as 3 and 5", 0.95),
    )


def test_media_are_told_by_what_is_inside(media: Path) -> None:
    for i in range(4):
        (media / f"in/{i}.wav").rename(media / f"in/{i}.jpg")
    pictures = [(media / f"in/{i}.png").read_bytes() for i in range(4)]
    table = read(
        {
            "misnamed": [f"in/{i}.jpg" for i in range(4)],
            "backslash": [f"in\\{i}.png" for i in range(4)],
            "bytes": pictures,
            "struct": [{"bytes": None, "path": f"in/{i}.png"} for i in range(4)],
            "holder": [{"bytes": content, "path": "gone.png"} for content in pictures],
            "mixed": [pictures[0], "in/1.png", None, "in/2.png"],
            "filename": [f"{i}.png" for i in range(4)],
            "texts": ["in/note.txt"] * 3 + ["./in/note.txt"],
        },
        folder=media,
    )
    schema = detect(table)
    assert [c.kind for c in schema.columns] == ["audio", "image", "image", "image", "image", "image", "id", "id"]
    assert [c.role for c in schema.columns] == ["feature"] * 6 + ["ignored"] * 2
    assert schema.column("misnamed").why == "4 of 4 files looked into are WAV"
    assert schema.column("filename").why == "names of files that are not there; column 'mixed' holds them"


def test_missing_files_lower_the_confidence_only(media: Path) -> None:
    some = detect(read({"p": [f"in/{i}.png" for i in range(8)], "n": list(range(7, 15))}, folder=media)).column("p")
    assert (some.kind, some.why) == ("image", "4 of 4 files looked into are PNG; 4 of 8 could not be opened")
    none = detect(read({"p": [f"zz/{i}.WAV" for i in range(8)], "n": list(range(7, 15))}, folder=media)).column("p")
    assert none.kind == "audio"
    assert "no file was found in" in none.why
    assert 0.99 > some.confidence > 0.5 > none.confidence


def test_pictures_that_hold_text_are_pictures_by_their_name_only(media: Path) -> None:
    for i in range(4):
        (media / f"in/{i}.png").write_text("hello")
    column = detect(read({"p": [f"in/{i}.png" for i in range(4)]}, folder=media)).column("p")
    assert (column.kind, column.confidence) == ("image", 0.3)
    assert column.why == "names end in .png, but none of 4 files looked into is a picture"


def test_web_addresses_are_left_out() -> None:
    column = detect(read({"p": [f"https://example.org/{i}.png?x=1" for i in range(4)]})).column("p")
    assert (column.kind, column.role) == ("image", "ignored")
    assert "plait downloads nothing" in column.why


def test_arrays_by_name_then_by_shape() -> None:
    schema = detect(
        read(
            {
                "image": np.zeros((4, 9), np.uint8),
                "cough": np.zeros((4, 500)),
                "a": np.zeros((4, 16, 16, 3), np.uint8),
                "b": np.zeros((4, 2000, 1)),
                "label": np.eye(4),
            }
        ),
        target="label",
    )
    assert [c.kind for c in schema.columns] == ["image", "audio", "image", "audio", "category"]
    assert schema.column("label").why == "the target as asked; one-hot, 4 classes"
    unclear = read({"v": np.zeros((4, 7, 2)), "y": [1.5, 2.5, 3.5, 4.5]})
    left = detect(unclear).column("v")
    assert left.role == "ignored"
    assert left.why == (
        "arrays of shape (7, 2), which may be anything; say what they are: kinds={'v': 'image'}, 'audio', 'vectors' or "
        "'series'"
    )
    assert detect(unclear, kinds={"v": "audio"}).modality("v").kind == "audio"
    assert detect(unclear, ignore=["v"]).column("v").role == "ignored"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a", "b", "a"], "category"),
        ([True, False, True], "category"),
        ([i % 10 for i in MANY], "category"),
        ([0, 1, 1], "category"),
        ([i % 26 for i in range(520)], "category"),
        ([i % 26 + 2 for i in range(520)], "number"),
        ([i * i // 900 for i in range(300)], "number"),
        ([*range(30), *([0, 1, 2] * 100)], "number"),
        ([3, 4, 5, 6], "number"),
        ([float(i % 3) for i in MANY], "category"),
        ([Decimal(i % 3) for i in MANY], "category"),
        ([i % 3 + 0.5 for i in MANY], "number"),
        ([1.5, 2.5] * 20, "category"),
        ([-1, 1] * 20, "category"),
        ([f"{i % 3}.0" for i in MANY], "category"),
        ([*(float(i % 3) for i in MANY), None], "category"),
        ([*(str(i % 3) for i in MANY)], "category"),
        ([*(f"{i}.5" for i in MANY), "broken"], "number"),
        ([5] * 9, "category"),
        ([i % 5 + 1 for i in MANY], "category"),
        ([151.0, 75.0, 141.0, 206.0, 135.0, 97.0, 138.0, 63.0, 110.0, 310.0, 101.0] * 2, "category"),
        ([25.0 + i for i in range(200)], "number"),
    ],
)
def test_targets(cells: list[object], expected: str) -> None:
    column = detect(read({"y": cells}), target="y").column("y")
    assert (column.kind, column.role) == (expected, "target")
    said = detect(read({"y": cells}), target="y", kinds={"y": "text"}).column("y")
    assert (said.kind, said.confidence) == ("text", 1.0)


@pytest.mark.parametrize("name", ["class", "y_class", "Category", "species", "class_id", "label", "类别"])
def test_whole_numbers_named_like_labels_are_classes(name: str) -> None:
    cells = [i * i // 100 for i in range(60)]  # 0 to 34, most of them twice
    assert detect(read({name: [*range(25), *cells[:25]]}), target=name).column(name).kind == "category"
    assert detect(read({name: [i + 0.5 for i in range(50)]}), target=name).column(name).kind == "number"
    ages = [18 + i % 60 for i in range(600)]
    assert detect(read({name: ages}), target=name).column(name).kind == ("number" if name == "label" else "category")


def test_a_target_says_why_and_the_way_out() -> None:
    def why(cells: list[object], name: str = "y") -> str:
        return detect(read({name: cells}), target=name).column(name).why.removeprefix("the target as asked; ")

    assert why([i % 5 + 1 for i in range(20)]) == (
        "5 different values in 20 rows: a few whole numbers: classes; --kind y=number for amounts, =ordered for grades"
    )
    assert why([*range(1, 9843, 41)], "my y") == (
        "241 different values in 241 rows: numbers from 1 to 9,841: regression; --kind 'my y'=category for classes"
    )
    spelled = detect(read({"y": ["Low", "low", "high", "n/a"]}), target="y", kinds={"y": "ordered"}).column("y")
    assert spelled.why == "the target as asked; 2 different values in 4 rows: classes in an order, said by you"
    assert why(["a", "a", "b", "c"]) == "3 different values in 4 rows, 2 of them in one row only: classes"


@pytest.mark.parametrize("store", ["frame", "column", "file"])
def test_numbers_whose_type_is_category_are_classes(store: str, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"v": range(90), "y": pandas.Categorical([i % 45 + 3 for i in range(90)])})
    frame["month"], frame["word"] = frame["y"], pandas.Categorical(["cough and fever"] * 89 + ["a long walk home"])
    frame.to_parquet(tmp_path / "t.parquet")
    source = {"frame": frame, "column": {name: frame[name] for name in frame}, "file": tmp_path / "t.parquet"}[store]
    table = read(source)
    assert table.categories == table[:5].categories == {"y", "month"}
    schema = detect(table, target="y")
    assert (schema.column("y").kind, schema.column("month").kind) == ("category", "category")
    assert schema.column("y").why.endswith("45 different values in 90 rows: classes, as their type is category")
    assert detect(table, target="y", kinds={"y": "number"}).column("y").kind == "number"


def test_the_split_column_is_found(media: Path) -> None:
    data = {"Split": ["train", "Val", "dev", "test"], "p": [f"in/{i}.png" for i in range(4)], "g": ["a", "b"] * 2}
    table = read(data, folder=media)
    schema = detect(table, group="g")
    assert (schema.role("split"), schema.role("group")) == ("Split", "g")
    assert schema.modalities == (Modality("p", "image", ("p",)),)
    assert detect(table, split="g").column("Split").role == "ignored"
    assert detect(read({"split": ["left", "right"] * 4})).column("split").role == "feature"


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("数据划分", ["训练", "验证", "测试", "训练"], "holds only 测试 (test), 训练 (train), 验证 (val)"),
        ("usage", ["train", "train", "dev", "eval"], "holds only dev (val), eval (test), train"),
        ("part", ["train", "test", None, "train"], "holds only test, train"),
    ],
)
def test_a_split_is_found_by_its_words_whatever_its_name(name: str, cells: list[str | None], why: str) -> None:
    column = detect(read({"a": [1.5, 2.5, 3.5, 4.5], name: cells})).column(name)
    assert (column.role, column.why) == ("split", why)


@pytest.mark.parametrize("cells", [["train", "bus", "train", "car"], ["test", "val"] * 2, ["train"] * 4])
def test_words_that_may_be_anything_are_no_split(cells: list[str]) -> None:
    assert detect(read({"a": [1.5, 2.5, 3.5, 4.5], "by": cells})).role("split") is None


def test_of_two_splits_the_one_that_is_called_so_is_taken() -> None:
    parts = ["train", "train", "val", "test"]
    schema = detect(read({"a": [1.5, 2.5, 3.5, 4.5], "old": parts, "split": parts[::-1]}))
    assert schema.role("split") == "split"
    assert schema.column("old").why == "looks like a split, but the split is 'split'"
    assert schema.column("old").role == "ignored"


def test_what_the_user_says_goes_first() -> None:
    table = read({"id": [f"p{i}" for i in MANY], "n": [i % 7 for i in MANY], "one": ["same"] * 40})
    schema = detect(table, kinds={"id": "category", "n": "category", "one": "text"}, ignore="one")
    assert [(c.kind, c.role) for c in schema.columns] == [
        ("category", "feature"), ("category", "feature"), ("text", "ignored"),
    ]  # fmt: skip
    assert schema.column("n").why.startswith("said by you (it looked like number")
    assert detect(table, kinds={"n": "id"}).column("n").role == "ignored"


def people(media: Path) -> Table:
    return read(
        {
            "front": [f"in/{i}.png" for i in range(4)],
            "back": [f"in/{3 - i}.png" for i in range(4)],
            "note": [
                "a cold and a bad cough since monday",
                "all is well with this one",
                "he sleeps badly",
                "no change",
            ],
            "age": [31, 47, 47, 66],
            "town": ["Bonn", "Köln", "Bonn", "Köln"],
            "story": [
                "first long story of them all",
                "second long story of all",
                "third of the stories",
                "a fourth one",
            ],
            "y": [0, 1, 0, 1],
        },
        folder=media,
    )


def test_modalities_form_by_themselves(media: Path) -> None:
    assert detect(people(media), target="y").modalities == (
        Modality("front", "image", ("front",)),
        Modality("back", "image", ("back",)),
        Modality("text", "text", ("note", "story")),
        Modality("tabular", "tabular", ("age", "town")),
    )


def test_modalities_are_regrouped(media: Path) -> None:
    groups = {"photos": ["front", "back"], "text": ["story"], "place": "town"}
    schema = detect(people(media), target="y", modalities=groups)
    assert schema.modalities == (
        Modality("photos", "image", ("front", "back")),
        Modality("text_2", "text", ("note",)),
        Modality("tabular", "tabular", ("age",)),
        Modality("place", "tabular", ("town",)),
        Modality("text", "text", ("story",)),
    )
    assert Schema.from_json(schema.to_json()) == schema


def test_names_that_clash_are_kept_apart(media: Path) -> None:
    data = people(media).data
    table = Table({"text": data["front"], "note": data["note"], "tabular": data["back"], "n": data["age"]}, media)
    assert detect(table).modalities == (
        Modality("text_image", "image", ("text",)),
        Modality("text", "text", ("note",)),
        Modality("tabular_image", "image", ("tabular",)),
        Modality("tabular", "tabular", ("n",)),
    )


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"target": "yy"}, "target: there is no column 'yy' in the arrays. Did you mean 'y'"),
        ({"split": "zz"}, "split: there is no column 'zz'"),
        ({"group": "zz"}, "group: there is no column 'zz'"),
        ({"ignore": ["frnt"]}, "ignore: there is no column 'frnt' .* Did you mean 'front'"),
        ({"kinds": {"agee": "number"}}, "kinds: there is no column 'agee' .* Did you mean 'age'"),
        ({"kinds": {"age": "numbr"}}, "no kind 'numbr'. Did you mean 'number'. There are: image, audio, text, number"),
        ({"kinds": {"age": "image"}}, "column 'age' cannot be image: its cells are numbers"),
        ({"modalities": {"m": ["agee"]}}, "modality 'm': there is no column 'agee'"),
        ({"modalities": {"m": ["front", "age"]}}, r"'m' mixes kinds: front \(image\), age \(number\)"),
        ({"modalities": {"m": ["note", "age"]}}, "mixes kinds"),
        ({"modalities": {"m": []}}, "modality 'm' has no columns"),
        ({"modalities": {"m": ["age"], "k": ["age"]}}, "column 'age' is in two modalities, 'm' and 'k'"),
        ({"modalities": {"m": ["y"]}, "target": "y"}, "column 'y' is target, so it cannot be a feature"),
        ({"modalities": {"m": ["age"]}, "ignore": ["age"]}, "column 'age' is ignored, so it cannot be a feature"),
        ({"target": "y", "ignore": ["y"]}, "column 'y' cannot be both target and ignore"),
        ({"target": "front"}, r"target 'front' holds image \(4 of 4 files looked into are PNG\)"),
        ({"target": "y", "kinds": {"y": "image"}}, "a target is one of category, number, text"),
    ],
)
def test_wrong_requests_are_refused(media: Path, request_: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        detect(people(media), **request_)


def test_an_id_in_a_modality_wants_a_word() -> None:
    table = read({"id": list(MANY), "n": [1.5 * i for i in MANY]})
    with pytest.raises(RequestError, match=r"left out \(named like an id.*kinds=\{'id': 'category'\}"):
        detect(table, modalities={"m": ["id", "n"]})
    assert detect(table, modalities={"m": ["id", "n"]}, kinds={"id": "number"}).modality("m").columns == ("id", "n")


def test_a_date_is_no_target() -> None:
    with pytest.raises(RequestError, match="target 'd' holds dates; turn them into a number"):
        detect(read({"d": [date(2024, 1, 1), date(2024, 1, 2)]}), target="d")
    days = [f"2024-{month:02}-{day:02}" for month in range(1, 5) for day in range(1, 11)]
    with pytest.raises(RequestError, match="target 'd' holds dates; turn them into a number"):
        detect(read({"d": days, "x": [*range(40)]}), target="d")
    assert detect(read({"d": ["2024Q1", "2024Q2"] * 20, "x": [*range(40)]}), target="d").column("d").kind == "category"


def test_digits_as_a_person_would_say(shared_data: Path) -> None:
    for name, extra in (("digits", "speaker"), ("digits_hard", "speaker"), ("arithmetic", "text")):
        target = "result" if name == "arithmetic" else "digit"
        schema = detect(read(shared_data / f"digits/{name}.csv"), target=target)
        found = {c.name: (c.kind, c.role) for c in schema.columns}
        assert found["image"] == ("image", "feature")
        assert found["audio"] == ("audio", "feature")
        assert found["id"] == ("id", "ignored")
        assert found["split"] == ("category", "split")
        assert found[extra] == ("text" if extra == "text" else "category", "feature")
        assert found[target] == ("number" if target == "result" else "category", "target")
        assert schema.column("image").why == "200 of 200 files looked into are PNG"


def test_clothing_as_a_person_would_say(shared_data: Path) -> None:
    schema = detect(read(shared_data / "clothing/train.csv"), target="Recommended IND", ignore=["Rating"])
    assert {c.name: (c.kind, c.role) for c in schema.columns} == {
        "Unnamed: 0": ("id", "ignored"),
        "Clothing ID": ("category", "feature"),
        "Age": ("number", "feature"),
        "Title": ("text", "feature"),
        "Review Text": ("text", "feature"),
        "Rating": ("number", "ignored"),
        "Recommended IND": ("category", "target"),
        "Positive Feedback Count": ("number", "feature"),
        "Division Name": ("category", "feature"),
        "Department Name": ("category", "feature"),
        "Class Name": ("category", "feature"),
    }
    assert schema.modality("text").columns == ("Title", "Review Text")


def test_reading_and_detection_are_light(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t,n\nhello there,1.5\nall good now,2.5\n")
    code = (
        "import sys; from plait.data.read import read; from plait.kinds.detect import detect; "
        f"detect(read({str(tmp_path / 'a.csv')!r})); "
        "print([m for m in ('torch', 'sklearn', 'scipy', 'matplotlib', 'PIL', 'soundfile') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_a_mended_copy_says_of_its_rows_is_no_feature() -> None:
    table = read({"age": [1.5, 2.5, 3.5], "mended": ["date: 3.4.2021 → 2021-04-03", None, None]})
    column = detect(table).column("mended")
    assert (column.role, column.why) == ("ignored", "says what a mended copy changed")
    assert detect(table, kinds={"mended": "text"}).column("mended").role == "feature"


# transcripts

PHRASES = [f"{number} is {word}" for number in range(5) for word in ("red", "blue")]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("label", ["yes", "no", "maybe", "up", "down"] * 4, "category"),  # single words
        ("label", [f"word{n}" for n in range(20)], "category"),  # single words, all different
        ("label", ["turn it on", "turn it off"] * 10, "category"),  # phrases that come again
        ("label", PHRASES * 2, "category"),
        ("label", [f"{phrase} {n}" for n in range(2) for phrase in PHRASES], "text"),  # phrases that differ
        ("label", ["今天天气很好", "我们去公园吧", "你想吃什么呢", "他昨天没有来"] * 5, "category"),
        ("label", [f"今天天气很好{c}" for c in "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸"], "text"),
        ("transcript", ["yes", "no"] * 10, "text"),  # the name is enough
        ("spoken_text", ["yes", "no"] * 10, "text"),
        ("Utterance", ["yes", "no"] * 10, "text"),
        ("转写", ["你好", "再见"] * 10, "text"),
        ("transcript", [1, 2] * 10, "category"),  # numbers are no texts unless you say so
        ("said before", ["yes", "no"] * 10, "category"),
        ("said", ["yes", "no"] * 10, "category"),  # what was answered
        ("said", ["yes please", "no thanks"] * 10, "text"),
        ("said", ["one", "two", "three", "four"] * 5, "text"),
    ],
)
def test_a_transcript_is_of_sentences_or_named_like_one(name: str, cells: list[object], kind: str) -> None:
    table = read({"audio": np.zeros((20, 2000), np.float32), name: cells})
    column = detect(table, target=name).column(name)
    assert (column.kind, column.role) == (kind, "target")
    assert detect(table, target=name, kinds={name: "category"}).column(name).kind == "category"
    assert detect(table, target=name, ignore=["audio"]).column(name).kind == "category"  # nothing says it
    assert detect(table, target=name, kinds={name: "text"}).column(name).kind == "text"


def test_a_transcript_says_why_it_is_one() -> None:
    table = read({"audio": np.zeros((2, 2000), np.float32), "said": ["good morning", "good night"]})
    assert detect(table, target="said").column("said").why == (
        "the target as asked; named 'said'; 2 different values in 2 rows; "
        "a transcript of the sound (--kind said=category makes classes of it)"
    )


def test_text_that_looks_like_several_labels_is_said_with_the_way() -> None:
    column = detect(read({"tags": ["a;b", "b;c", "a;c", "a", "c;a;b"] * 4, "x": [*range(20)]}), target="tags").column(
        "tags"
    )
    assert (column.kind, column.confidence) == ("category", 0.5)
    assert column.why.endswith(
        "most cells hold ';' between words that come again; --kind tags=labels learns them as several labels a row"
    )


def test_lists_of_words_are_labels_and_lists_of_numbers_are_asked() -> None:
    words = read({"y": [["a", "b"], ["b"]], "x": [1, 2]})
    assert detect(words, target="y").column("y").kind == "labels"
    numbers = read({"y": [[1, 2], [2]], "x": [1, 2]})
    with pytest.raises(RequestError, match=r"target 'y' holds arrays .* learned with --kind y=labels"):
        detect(numbers, target="y")
    assert detect(numbers, target="y", kinds={"y": "labels"}).column("y").kind == "labels"
    with pytest.raises(RequestError, match="target 'y' cannot be number: its cells are lists; say labels"):
        detect(words, target="y", kinds={"y": "number"})


def test_labels_and_grades_are_kinds_of_the_target_alone() -> None:
    table = read({"tags": ["a;b", "b"], "x": [1, 2]})
    found = detect(table, target="tags", kinds={"tags": "labels"}).column("tags")
    assert found.why == "the target as asked; several labels a row, said by you, with ';' between"
    for kind in ("labels", "ordered"):
        with pytest.raises(RequestError, match=f"column 'x' cannot be {kind}: that is a kind of the target alone"):
            detect(table, target="tags", kinds={"x": kind})
        left_out = detect(table, target="tags", ignore=["x"], kinds={"x": kind}).column("x")
        assert (left_out.kind, left_out.role) == (kind, "ignored")  # one dict of kinds serves two fits


def test_words_that_grade_are_offered_an_order() -> None:
    why = detect(read({"y": ["low", "high", "medium"] * 5}), target="y").column("y").why
    assert why.endswith("classes; --kind y=ordered for grades")


def test_grades_that_are_asked_for_are_said_in_words() -> None:
    table = read({"n": [0.5, 1.5, 2.5, 3.5, 4.5], "stars": [1, 2, 3, 4, 5]})
    found = detect(table, target="stars", kinds={"stars": "ordered"}).column("stars")
    assert found.why == "the target as asked; 5 different values in 5 rows: classes in an order, said by you"
