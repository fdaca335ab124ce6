"""Pictures: that they are drawn, with nothing warned and nothing global touched. How they look is for the eye."""

import re
import warnings

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from plait.draw import charts, figures, page
from plait.draw.charts import confusion_picture, curves_picture, growth_picture, reliability_picture, scatter_picture
from plait.proof.reliability import reliability
from plait.proof.scores import confusion


def entries(candidate: str, num_epochs: int, metric_name: str = "accuracy", val_loss: float | None = 1.0) -> list[dict]:
    return [
        {
            "candidate": candidate,
            "epoch": epoch,
            "loss": 2 / epoch,
            "val_loss": val_loss,
            "metric": 1 - 1 / (epoch + 1),
            "metric_name": metric_name,
        }
        for epoch in range(1, num_epochs + 1)
    ]


def size_of(path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        image.load()
        assert len(image.convert("RGB").getcolors(1_000_000)) > 20  # more than an empty page
        return image.size


@pytest.mark.parametrize(
    "names",
    [
        ["no", "yes"],
        [str(i) for i in range(10)],
        ["猫", "狗", "非常长的类别名称需要缩短才能放进图里面的那种名称"],
        ["chronic disorder of the upper respiratory tract, unspecified", "$a_b$ costs $5", "new\nline\tname \ud800"],
        [f"species {i}" for i in range(60)],
        pytest.param([f"item {i}" for i in range(130)], marks=pytest.mark.heavy),
    ],
    ids=["two", "ten", "chinese", "long", "sixty", "many"],
)
def test_confusion_picture_of_any_number_and_kind_of_names(tmp_path, names):
    generator = np.random.default_rng(0)
    counts = np.diag(np.full(len(names), 9)) + generator.integers(0, 3, (len(names), len(names)))
    path = confusion_picture(tmp_path / "confusion.png", counts, names)
    assert path == tmp_path / "confusion.png"
    width, height = size_of(path)
    assert 130 < width < 1300  # at 50 dots an inch
    assert 130 < height < 1300
    assert [p.name for p in tmp_path.iterdir()] == ["confusion.png"]


def test_confusion_picture_with_unknown_labels_and_a_class_without_rows(tmp_path):
    counts, names = confusion(["a", "b", "z"], [[1, 0, 0], [0, 1, 0], [1, 0, 0]], ["a", "b", "c"])
    size_of(confusion_picture(tmp_path / "confusion.png", counts, names, title="Digits"))
    size_of(confusion_picture(tmp_path / "one.png", np.array([[3]]), ["a"]))


def test_reliability_picture(tmp_path):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    found = reliability(probabilities.argmax(1), probabilities, range(3))
    size_of(reliability_picture(tmp_path / "reliability.png", found))
    size_of(reliability_picture(tmp_path / "one.png", reliability(["a"], [[1.0, 0.0]], ["a", "b"])))


def test_what_is_painted_is_what_the_page_shows():
    found = reliability(["a", "b", "b"], [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]], ["a", "b"])
    drawing = figures.reliability_figure(found, "after")
    axes = charts.paint(drawing)
    boxes = [patch for patch in axes.get_children() if isinstance(patch, Rectangle) and patch is not axes.patch]
    places = [tuple(map(float, place)) for place in re.findall(r'<rect x="(.*?)" y="(.*?)" width="(.*?)"', drawing)]
    assert [(box.get_x(), box.get_y(), box.get_width()) for box in boxes] == places
    written = [" ".join(text.get_text().split()) for text in axes.texts]
    assert written == [" ".join(text.split()) for text in re.findall(r"<text[^>]*>(.*?)</text>", drawing)]


def test_the_look_of_each_part_is_known_on_paper():
    span = {"value": 0.8, "low": 0.7, "high": 0.9}
    drawings = [
        figures.confusion_figure([[8, 2], [0, 9], [1, 0]], ["a", "b", "c"]),
        figures.confusion_figure(np.eye(30, dtype=int).tolist(), [f"class {i}" for i in range(30)]),
        figures.scatter_figure([(1.0, 2.0)], "age"),
        figures.reliability_figure(reliability(["a"], [[0.9, 0.1]], ["a", "b"]), "after"),
        figures.growth_figure([{"rows": 9, "val": span}], "accuracy"),
    ]
    used = {name for names in re.findall(r'class="(.*?)"', "".join(drawings)) for name in names.split()}
    plain = {"chart", "grow", "fixed", "cell", "strong", "miss", "large", "c0"}
    assert used <= {*charts.LOOKS, *charts.WORDS, *plain}


def test_scatter_picture_of_few_many_and_constant_numbers(tmp_path):
    target = np.random.default_rng(0).normal(size=4000)
    size_of(scatter_picture(tmp_path / "many.png", target, target + 0.1))
    size_of(scatter_picture(tmp_path / "few.png", target[:9], target[:9] + 0.1, "身高 (cm)"))
    size_of(scatter_picture(tmp_path / "constant.png", np.zeros(3), np.zeros(3), "$x"))


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(entries("image", 5), marks=pytest.mark.heavy),
        entries("image", 1, val_loss=None),
        [*entries("图像", 12), *entries("audio", 3), *entries("audio", 4)],  # the second stage counts from 1 again
        [entry for i in range(15) for entry in entries(f"parallel(image, audio) trial {i}", 8, "rmse")],
        [{**entry, "loss": float("nan"), "val_loss": None, "metric": float("inf")} for entry in entries("text", 3)],
        pytest.param(
            [{**entry, "loss": -1.0, "val_loss": -1.0} for entry in entries("text", 3)], marks=pytest.mark.heavy
        ),
        [{**entry, "loss": 0.0, "val_loss": 0.0} for entry in entries("text", 3)],
    ],
    ids=["one", "one epoch", "two", "many", "not finite", "negative", "zero"],
)
def test_curves_picture(tmp_path, history):
    width, height = size_of(curves_picture(tmp_path / "curves.png", history))
    assert width > 270
    assert height > 170


def test_names_that_no_font_can_write_become_their_number(monkeypatch):
    monkeypatch.setattr(page, "_fonts", lambda marks: (("DejaVu Sans",), frozenset(marks) & frozenset("猫狗")))
    assert charts.short_names(["猫", "cat", "狗"]) == (["no. 1", "cat", "no. 3"], [charts.NO_FONT])


def test_names_are_shortened_in_the_middle_and_stay_apart():
    assert charts.short_names(["a fairly long name, number 1", "short"], most=16)[0] == ["a fairly…mber 1", "short"]
    assert charts.short_names(["x" * 40, "x" * 41], most=10)[0] == ["…xxx", "…xxxx"]
    assert charts.short_names(["two\nlines"])[0] == ["two lines"]
    assert page.shorten("非常长的类别名称", 10) == "非常长…称"


def test_fonts_that_are_installed_are_found():
    assert page.fonts_for("abc äöü Ωж") == (("DejaVu Sans",), frozenset())
    assert page.fonts_for("a\U000f0000")[1] == {"\U000f0000"}  # a private sign that no font has


def test_drawing_changes_no_global_setting(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        confusion_picture(tmp_path / "c.png", np.eye(2, dtype=int), ["a", "猫"])
    assert not caught
    assert dict(matplotlib.rcParams) == before


def test_a_failed_drawing_leaves_the_old_picture(tmp_path):
    path = curves_picture(tmp_path / "curves.png", entries("image", 2))
    old = path.read_bytes()
    with pytest.raises(KeyError, match="metric_name"):
        curves_picture(path, [{"candidate": "image", "epoch": 1, "loss": 1.0, "val_loss": None, "metric": 0.5}])
    assert path.read_bytes() == old


def test_growth_picture_with_a_point_that_is_undefined(tmp_path) -> None:
    span = {"value": 0.8, "low": 0.7, "high": 0.9}
    points = [{"rows": 25, "val": {"value": None, "low": None, "high": None}}, {"rows": 200, "val": span}]
    assert min(size_of(growth_picture(tmp_path / "growth.png", points, "accuracy"))) > 100
