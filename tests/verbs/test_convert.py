"""The verb convert: one file into another, and a column into a new one."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import plait
from plait.cli import main
from plait.errors import RequestError
from plait.verbs.convert import describe_graph, list_converters, open_run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "words.csv"
    path.parent.mkdir()
    path.write_text("id,said,digit\na,three,3\nb,,4\nc,five,5\n", encoding="utf-8")
    return path


class Upper:
    """An edge of a user's own."""

    name, source, target, cost, quality, version = "upper", "text", "text", 0.1, 1.0, "upper 1"

    def __call__(self, values):
        return [value.upper() for value in values], [1.0] * len(values)


def test_a_photograph_of_a_sign_is_read_aloud(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    pytest.importorskip("espeakng_loader")
    (tmp_path / "sign.txt").write_text("Mind the gap")
    plait.convert(tmp_path / "sign.txt", tmp_path / "sign.png")
    done = plait.convert(tmp_path / "sign.png", tmp_path / "sign.wav")
    assert [step.name for step in done.route.steps] == ["rapidocr", "espeak"]
    samples, rate = soundfile.read(tmp_path / "sign.wav")
    assert rate == 16000 and 0.5 < len(samples) / rate < 2.5 and 0.05 < np.abs(samples).max() <= 1.0
    assert plait.convert(tmp_path / "sign.png", tmp_path / "read.txt").text == "Mind the gap"
    assert (tmp_path / "read.txt").read_text() == "Mind the gap\n"


def test_a_record_becomes_text(tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text('{"age": 30, "eye_colour": "green", "note": null}')
    done = plait.convert(tmp_path / "row.json", tmp_path / "row.txt")
    assert (done.text, done.confidence) == ("age: 30, eye colour: green", 1.0)


def test_the_same_kind_is_only_another_format(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (200, 10, 10)).save(tmp_path / "a.png")
    plait.convert(tmp_path / "a.png", tmp_path / "a.bmp")
    assert Image.open(tmp_path / "a.bmp").getpixel((1, 1)) == (200, 10, 10)


def test_a_column_becomes_another(words: Path, tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    out = tmp_path / "out" / "spoken.csv"
    done = plait.convert(words, column="said", to="audio", name="voice", out=out)
    table = plait.read(out)
    new = ["voice", "voice_confidence", "voice_converter", "voice_status"]
    assert table.names == ["id", "said", "digit", *new]
    assert table.cells("voice") == ["spoken_voice/000000.wav", None, "spoken_voice/000002.wav"]
    assert table.cells("voice_status") == ["ok", "missing: blank", "ok"]
    assert set(table.cells("voice_converter")) == {done.table.cells("voice_converter")[0]}
    assert done.table.cells("voice_converter")[0].startswith("espeak-ng 1.")
    assert str(done).startswith("3 rows, 2 converted by espeak-ng")
    schema = plait.show(out, target="digit", kinds={"said": "text"}).schema
    assert [(c.name, c.role) for c in schema.columns if c.name in new] == [
        ("voice", "feature"),
        ("voice_confidence", "ignored"),
        ("voice_converter", "ignored"),
        ("voice_status", "ignored"),
    ]
    assert schema.column("voice_status").why == "says how column 'voice' was made"


def test_media_paths_lead_to_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", np.zeros(800), 8000)
    (tmp_path / "in" / "calls.csv").write_text("call\na.wav\ngone.wav\n")
    out = tmp_path / "elsewhere" / "pictures.csv"
    plait.convert(tmp_path / "in" / "calls.csv", column="call", to="image", name="seen", out=out)
    table = plait.read(out)
    assert table.cells("call") == ["../in/a.wav", "../in/gone.wav"]
    assert table.cells("seen_status") == ["ok", "missing: file not found: gone.wav"]
    assert Image.open(out.parent / table.cells("seen")[0]).getextrema() == (0, 0)  # silence is black


def test_all_columns_of_a_table_become_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("age,colour\n30,red\n41,red\n,blue\n,\n50,blue\n")
    done = plait.convert(tmp_path / "t.csv", column="tabular", to="text", name="row", out=tmp_path / "o.parquet")
    assert done.table.cells("row") == ["age: 30, colour: red", "age: 41, colour: red", "colour: blue", None,
                                       "age: 50, colour: blue"]  # fmt: skip
    told = plait.convert(
        tmp_path / "t.csv", column=["age", "colour"], to="text", converters={"template.template": "{colour} at {age}"}
    )
    assert told.name == "age_colour_text"
    assert told.table.cells("age_colour_text")[0] == "red at 30"


def test_an_object_is_an_edge(words: Path) -> None:
    done = plait.convert(words, column="said", to="text", name="loud", by="upper", converters={"mine": Upper()})
    assert done.table.cells("loud") == ["THREE", None, "FIVE"]
    assert done.table.cells("loud_converter") == ["upper 1"] * 3


def test_a_fitted_run_makes_labels_of_pictures(tmp_path: Path) -> None:
    rows = ["photo,colour"]
    for number in range(40):
        shade = 30 if number % 2 else 220
        Image.new("L", (8, 8), shade + number % 5).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'dark' if number % 2 else 'light'}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    plait.fit(tmp_path / "t.csv", target="colour", out=tmp_path / "run", candidates=["classic"], report=False)
    done = plait.convert(tmp_path / "1.png", tmp_path / "1.txt", by=str(tmp_path / "run"))
    assert done.text == "dark" and done.confidence > 0.5
    told = plait.convert(tmp_path / "t.csv", column="photo", to="text", name="shade", by=str(tmp_path / "run"))
    assert told.table.cells("shade")[:4] == ["light", "dark", "light", "dark"]
    run = open_run({"run": str(tmp_path / "run"), "source": "image"})  # as another process opens it
    assert (run.name, run([Image.new("L", (8, 8), 30)])[0]) == ("run run", ["dark"])
    with pytest.raises(RequestError, match="does not look at audio; it looks at image"):
        soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
        plait.convert(tmp_path / "a.wav", tmp_path / "a.txt", by=str(tmp_path / "run"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"column": "side", "to": "audio"}, r"no column 'side'\. Did you mean 'said'"),
        ({"column": "said", "to": "speech"}, r"--to is 'speech', which is no kind"),
        ({"column": "said", "to": "text"}, r"column 'said' is taken as it is written, as text"),
        ({"column": "said", "to": "tabular"}, r"no way from text to tabular\. text can become: audio, image"),
        ({"column": "said"}, r"name the kind to convert to"),
        ({"column": "said", "to": "audio", "name": "digit"}, r"there is a column 'digit' already"),
        ({"column": "said", "to": "audio", "by": "espeek"}, r"no converter 'espeek'\. Did you mean 'espeak'"),
        ({"column": "said", "to": "audio", "converters": {"espeak.volume": 3}}, r"espeak has no option 'volume'"),
        ({"column": "said", "to": "audio", "converters": {"festival.voice": "x"}}, r"no converter 'festival'"),
        ({}, r"convert takes a file and a file to write"),
    ],
)
def test_wrong_requests(words: Path, given: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plait.convert(words, **given)


def test_the_table_itself_is_never_written_over(words: Path) -> None:
    with pytest.raises(RequestError, match="is the table itself; expected another name"):
        plait.convert(words, column="said", to="image", out=words)


@pytest.mark.parametrize(
    ("name", "content", "target", "message"),
    [
        ("gone.wav", None, "x.txt", "no such file"),
        ("bad.png", b"\x89PNG\r\n\x1a\n and no more", "x.txt", "bad.png"),
        ("odd.bin", b"\xff\xfe\x00\x81\x00", "x.wav", "is no picture, no sound and no text in UTF-8"),
        ("empty.txt", b"", "x.wav", "file is empty"),
        ("blank.txt", b" \n", "x.png", "blank"),
        ("a.txt", b"hello", "x.gif2", "cannot be written; expected a name that ends in one of"),
        ("b.txt", b"hello", "nowhere/x.wav", "lies in a folder that is not there"),
        ("t.csv", b"a,b\n1,2\n", "x.txt", "is a table; name a column of it"),
        ("list.json", b"[1, 2]", "x.txt", "expected one record"),
    ],
)
def test_files_that_cannot_be_converted(tmp_path: Path, name: str, content: bytes, target: str, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=message):
        plait.convert(tmp_path / name, tmp_path / target)
    assert not (tmp_path / target).exists()


def test_list_shows_the_graph() -> None:
    listed = list_converters({})
    assert {(c["source"], c["target"], c["name"]) for c in listed} == {
        ("audio", "text", "pocketsphinx"),
        ("audio", "text", "whisper"),
        ("image", "text", "rapidocr"),
        ("text", "audio", "espeak"),
        ("tabular", "text", "template"),
        ("text", "image", "render"),
        ("audio", "image", "spectrogram"),
        ("series", "image", "gramian"),
        ("video", "image", "frame"),
        ("video", "audio", "soundtrack"),
    }
    shown = describe_graph([{**c, "installed": False, "needs": 'pip install "plait[ocr]"'} for c in listed])
    assert "image → text    rapidocr" in shown and 'pip install "plait[ocr]"' in shown


def test_the_command(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "--list", "--json"])
    assert len(json.loads(capsys.readouterr().out)["converters"]) == 10
    out = words.with_name("drawn.csv")
    with pytest.raises(SystemExit, match="0"):
        main(["convert", str(words), "--column", "said", "--to", "image", "--as", "sign", "--out", str(out), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["column"], told["status"]) == ("sign", {"ok": 2, "missing: blank": 1})
    with pytest.raises(SystemExit, match="2"):
        main(["convert", str(words), "--column", "said", "--to", "image"])
    assert "convert needs --out TABLE" in capsys.readouterr().err
