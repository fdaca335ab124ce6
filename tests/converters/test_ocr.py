"""Printed words in pictures."""

import hashlib
import io
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from plait.converters import ocr
from plait.converters.fonts import face_for
from plait.converters.graph import Route, check_converter, describe, is_installed
from plait.converters.ocr import LANGUAGES, Line, Ocr, join_lines
from plait.converters.render import Render
from plait.errors import CellError, MissingExtra, RequestError

ENGLISH = ["hello", "The patient has a cough.", "Invoice 2024-05-01: total 1,234.50 EUR", "No fever today"]
CHINESE = ["你好", "今天天气很好。", "春眠不觉晓，处处闻啼鸟。"]


def print_words(text: str, size: int = 32) -> Image.Image:
    return Render(size=size).convert(text)[0]


def read(*pictures: Image.Image) -> list[str]:
    pytest.importorskip("rapidocr")
    made, sure = Ocr()(pictures)
    assert all(0.8 < share <= 1 for share in sure)
    return made


def test_it_is_a_converter() -> None:
    check_converter(Ocr())
    made = describe(Ocr.of({"language": "en", "least": "0.6"}))
    assert made["name"] == "rapidocr"
    assert made["options"] == {"language": "en", "least": 0.6}
    if is_installed(Ocr()):
        assert made["version"].startswith("rapidocr 3.")


@pytest.mark.parametrize("size", [32, *(pytest.param(size, marks=pytest.mark.heavy) for size in (16, 64))])
def test_printed_english_comes_back_exactly(size: int) -> None:
    assert read(*[print_words(text, size) for text in ENGLISH]) == ENGLISH


def test_printed_chinese_comes_back_exactly() -> None:
    if face_for("春") is None:
        pytest.skip("no installed font has Chinese characters, such as Noto Sans CJK")
    assert read(*[print_words(text) for text in CHINESE]) == CHINESE


def test_a_route_there_and_back() -> None:
    pytest.importorskip("rapidocr")
    made, sure = Route((Render(), Ocr()))(["gray and white shirt", " ", "two\nlines"])
    assert made[0] == "gray and white shirt"
    assert isinstance(made[1], CellError)
    assert made[2] == "two\nlines"
    assert sure[0] > 0.9
    assert sure[1] == 0.0


@pytest.mark.heavy
def test_wrapped_lines_in_order() -> None:
    text = (
        "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs, and then tell everyone."
    )
    for size in (32, 64):
        (made,) = read(print_words(text, size))
        assert made.split() == text.split()
        assert made.count("\n") == 2


def test_words_at_one_height_are_one_line() -> None:
    page = Image.new("L", (900, 120), 255)
    page.paste(print_words("right"), (600, 4))
    page.paste(print_words("left"), (10, 0))
    assert read(page) == ["left right"]


def test_every_mode_of_picture() -> None:
    words = print_words("white shirt")
    clear = Image.new("RGBA", words.size, (0, 0, 0, 0))
    clear.putalpha(ImageOps.invert(words))
    deep = Image.fromarray(np.asarray(words).astype(np.uint16) * 257)
    pictures = [words.convert(mode) for mode in ("1", "L", "P", "RGB", "CMYK", "LA", "F", "I")]
    pictures += [clear, clear.quantize(8), deep, ImageOps.invert(words)]
    assert read(*pictures) == ["white shirt"] * 12


@pytest.mark.parametrize("turned", [90, *(pytest.param(turned, marks=pytest.mark.heavy) for turned in (180, 270))])
def test_turned_pictures(turned: int) -> None:
    text = "The patient has a cough.\nNo fever today"
    assert read(print_words(text).rotate(turned, expand=True)) == [text]


def test_the_rotation_of_a_camera_is_obeyed() -> None:
    kept = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 270 degrees
    print_words("hello").rotate(90, expand=True).save(kept, "JPEG", exif=exif)
    assert read(Image.open(kept)) == ["hello"]


@pytest.mark.heavy
def test_pictures_without_words() -> None:
    pytest.importorskip("rapidocr")
    shapes = [(1, 1), (1, 3000), (3000, 1), (9, 20000), (64, 64), (300, 40)]
    blank = [Image.new("L", shape, shade) for shape, shade in zip(shapes, [0, 255, 0, 255, 128, 30], strict=True)]
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    assert Ocr(least=0.9)([*blank, noise]) == ([""] * 7, [0.0] * 7)


@pytest.mark.heavy
def test_long_pages_and_banners_are_read_in_parts() -> None:
    lines = [f"number {n}" for n in range(10, 28)]
    page = print_words("\n".join([*lines[:10], *[""] * 45, *lines[10:]]))
    assert page.height > 2000
    assert read(page) == ["\n".join(lines)]
    banner = " ".join(f"number {n}" for n in range(10, 30))
    picture = Render(width=16384).convert(banner)[0]
    assert picture.width > 3000
    assert read(picture) == [banner]


def test_tight_and_tiny_letters() -> None:
    words = print_words("hello", 12)
    assert read(words.crop(ImageOps.invert(words).getbbox())) == ["hello"]


def test_pictures_that_are_none() -> None:
    pytest.importorskip("rapidocr")
    kept = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    Image.fromarray(noise).save(kept, "PNG")
    broken = Image.open(io.BytesIO(kept.getvalue()[:20000]))
    made, sure = Ocr()([broken, Image.new("L", (0, 5)), print_words("word")])
    assert "picture cannot be decoded" in str(made[0])
    assert str(made[1]) == "picture has no pixels"
    assert made[2] == "word"
    assert sure[:2] == [0.0, 0.0]


def test_lines_that_are_unsure_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [Line((0, 0, 50, 10), "four", 0.8), Line((0, 20, 50, 30), "no", 0.4), Line((0, 40, 50, 50), "ab", 0.5)]
    monkeypatch.setattr(ocr, "find_lines", lambda picture: lines)
    assert Ocr()(["picture"]) == (["four\nab"], [pytest.approx(0.7)])
    assert Ocr(least=0.0)(["picture"])[0] == ["four\nno\nab"]
    assert Ocr(least=0.9)(["picture"]) == ([""], [0.0])


def test_reading_order() -> None:
    def at(x: float, y: float, text: str) -> Line:
        return Line((x, y, x + 30, y + 10), text, 1.0)

    assert join_lines([at(50, 3, "two"), at(0, 14, "three"), at(0, 0, "one")]) == "one two\nthree"
    assert join_lines([at(35, 0, "不觉"), at(0, 0, "春眠"), at(90, 0, "晓")]) == "春眠不觉 晓"
    assert join_lines([]) == ""


@pytest.mark.heavy
def test_two_threads_read_the_same() -> None:
    pictures = [print_words(text) for text in ENGLISH]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda picture: read(picture)[0], pictures * 2))
    assert together == ENGLISH * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"language": "ar"}, "rapidocr.language is 'ar', which its models do not read; expected auto or one of: zh,"),
        ({"least": "2"}, "rapidocr.least is 2; expected 0 to 1"),
        ({"lang": "en"}, "rapidocr has no option 'lang'. Did you mean 'language'"),
    ],
)
def test_options_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Ocr.of(options)


def test_the_languages_are_those_of_the_package() -> None:
    pytest.importorskip("rapidocr")
    from rapidocr import ModelType, OCRVersion
    from rapidocr.utils.model_resolver import list_supported_langs
    from rapidocr.utils.typings import TaskType

    known = set(list_supported_langs(TaskType.REC, OCRVersion.PPOCRV6, ModelType.SMALL))
    names = {"zh": "ch", "zh-tw": "chinese_cht", "ja": "japan", "sr": "rs_latin"}
    assert {names.get(language, language) for language in LANGUAGES} == known - {"french", "german"}


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_model_is_never_downloaded(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr")
    path = tmp_path / "model.onnx"
    if fault == "damaged":
        path.write_bytes(b"half")
    monkeypatch.setattr(ocr, "model_files", lambda: {"Det": (path, hashlib.sha256(b"whole").hexdigest())})
    ocr._load_engine.cache_clear()
    with pytest.raises(RequestError, match=f"model.onnx of rapidocr is {fault}; plait never downloads one. Reinstall"):
        Ocr()([Image.new("L", (40, 40))])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "plait\[ocr\]"'):
        Ocr()([Image.new("L", (40, 40))])


def test_it_is_quiet_and_leaves_logging_alone() -> None:
    pytest.importorskip("rapidocr")
    code = (
        "import logging; from PIL import Image; from plait.converters.ocr import Ocr\n"
        "print(Ocr()([Image.new('L', (50, 50), 255)]), logging.getLogger().handlers, logging.getLogger().level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"([''], [0.0]) [] {logging.WARNING}\n"
    assert done.stderr == ""
