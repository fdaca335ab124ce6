"""Quick guesses of the label: what they are made of, how they are put together, whose features they see."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animals import animals, look, names
from plait.checks.guesses import Guesser, Labels, choose_guesser, choose_rows, deal_folds, fuse, to_probabilities
from plait.checks.label_checks import check_labels
from plait.checks.survey import survey_table
from plait.core.contract import Modality, Table
from plait.core.finding import Finding
from plait.data.feature_cache import FeatureCache, digest_cell
from plait.data.read import read
from plait.kinds.detect import detect


def test_fuse_multiplies_what_is_present() -> None:
    absent = [np.nan, np.nan]
    said = [np.array([[0.8, 0.2], absent, absent]), np.array([[0.8, 0.2], [0.3, 0.7], absent])]
    fused = fuse(said, np.array([0.5, 0.5]))
    assert fused == pytest.approx(np.array([[16 / 17, 1 / 17], [0.3, 0.7], [0.5, 0.5]]))


def test_folds_are_dealt_class_by_class() -> None:
    codes = np.array([0] * 10 + [1] * 5)
    folds = deal_folds(codes, np.random.default_rng(0))
    assert np.bincount(folds[:10]).tolist() == [2, 2, 2, 2, 2]
    assert np.bincount(folds[10:]).tolist() == [1, 1, 1, 1, 1]


def test_labels_are_found_in_any_order_and_absent_ones_have_no_class() -> None:
    table = read({"y": ["dog", None, " cat", "dog"]})
    found = Labels.find(table, detect(table, target="y", kinds={"y": "category"}))
    assert found is not None
    assert (found.name, found.names, found.codes.tolist()) == ("y", ["cat", "dog"], [1, -1, 0, 1])


def test_grades_in_other_letters_are_one() -> None:
    table = read({"y": ["Good", "bad", "good", "good"]})
    found = Labels.find(table, detect(table, target="y", kinds={"y": "ordered"}))
    assert found is not None
    assert (found.names, found.codes.tolist(), found.alike) == (["bad", "good"], [1, 0, 1, 1], "'Good' for 'good'")


@pytest.mark.parametrize(("cells", "kind"), [(["cat"] * 4, "category"), ([0.5, 1.5, 2.5, 3.5], "number")])
def test_one_class_or_a_number_is_nothing_to_guess(cells: list[object], kind: str) -> None:
    table = read({"y": cells})
    assert Labels.find(table, detect(table, target="y", kinds={"y": kind})) is None


def test_rows_without_a_label_or_alone_in_their_class_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels("y", np.array([0, 1, -1, 0, 2, 2, 0]), ["a", "b", "c"])
    assert choose_rows(labels, np.random.default_rng(0)).tolist() == [0, 3, 4, 5, 6]
    monkeypatch.setattr("plait.checks.guesses.MOST_ROWS", 3)
    drawn = choose_rows(labels, np.random.default_rng(0)).tolist()
    assert len(drawn) == 3
    assert drawn == sorted(set(drawn) & {0, 3, 4, 5, 6})


def test_a_row_is_guessed_from_the_other_folds_alone() -> None:
    folds = np.array([0, 0, 1, 1])
    guesser = Guesser(Modality("m", "tabular", ("x",)), np.arange(4), np.ones((4, 1)), folds)
    target = np.array([[1.0], [2.0], [3.0], [6.0]])
    assert guesser.guess(target, 0.0).ravel() == pytest.approx([4.5, 4.5, 1.5, 1.5])  # means of the other two
    assert guesser.guess(target, 2.0).ravel() == pytest.approx([2.25, 2.25, 0.75, 0.75])  # a sum over 2 + 2


def test_the_guesser_that_errs_least_is_chosen() -> None:
    codes = np.arange(60) % 2
    noise = np.random.default_rng(0).standard_normal((60, 2))
    designs = [noise, np.eye(2)[codes]]
    modality = Modality("m", "tabular", ("x",))
    guessers = [Guesser(modality, np.arange(60), x, np.arange(60) % 5) for x in designs]
    chosen, ridge = choose_guesser(guessers, np.eye(2)[codes])
    assert chosen is guessers[1]
    assert ridge == 0.1  # nothing is to be smoothed


def test_scores_become_probabilities_as_sharp_as_the_labels_bear() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    right = to_probabilities(scores, np.array([0, 1, 0, 1]))
    assert right.sum(axis=1) == pytest.approx([1, 1, 1, 1])
    assert right[np.arange(4), [0, 1, 0, 1]].min() > 0.99
    wrong = to_probabilities(scores, np.array([1, 0, 1, 0]))
    assert wrong.max() < 0.6  # what is never right is not sharp


# features that an earlier fit has kept


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Table, Path, list[int]]:
    """A table of pictures that look alike, ten wrong labels, and what an encoder that tells them apart has kept."""
    codes, bare, cells = animals(), [], []
    for row in range(300):
        path = tmp_path / f"{row}.png"
        Image.fromarray(np.full((8, 8 + row // 256), row % 256, np.uint8)).save(path)
        bare.append(path.name)
        cells.append(digest_cell(path.name, tmp_path))
    wrong = list(range(7, 300, 30))
    shown = codes.copy()
    shown[wrong] = (codes[wrong] + 1) % 3
    folder = tmp_path / "cache"
    about = {"name": "theirs", "kind": "image", "tokens": 2, "width": 4}
    cache = FeatureCache(folder / "features" / "key", (2, 4), about)
    cache.add(cells, look(codes, 2, 0.2).astype(np.float32).reshape(300, 2, 4))
    return read({"photo": bare, "kind": names(shown)}, tmp_path), folder, wrong


def judge(table: Table, cache: Path | None) -> list[Finding]:
    schema = detect(table, target="kind", kinds={"photo": "image"})
    found = check_labels(survey_table(table, schema, cache=cache), lambda event: None)
    return [one for one in found if one.check == "label-wrong"]


def test_wrong_labels_are_found_by_what_an_encoder_saw(kept: tuple[Table, Path, list[int]]) -> None:
    table, folder, wrong = kept
    (found,) = judge(table, folder)
    assert set(found.rows) <= set(wrong) and len(found.rows) >= 6  # it would rather miss one than be wrong
    assert "labels are likely wrong: quick guesses from photo (as theirs sees it), " in found.message


@pytest.mark.parametrize(
    "how", ["no cache", "another cell", "another kind", "own", "damaged", "not a number", "too wide", "a file is gone"]
)
def test_features_that_do_not_belong_to_all_cells_are_passed_over(
    how: str, kept: tuple[Table, Path, list[int]]
) -> None:
    table, folder, wrong = kept
    about = folder / "features" / "key" / "about.json"
    if how == "another cell":
        Image.fromarray(np.full((9, 9), 200, np.uint8)).save(Path(str(table.folder)) / "299.png")
    if how == "another kind":
        about.write_text(about.read_text().replace('"image"', '"audio"'))
    if how == "own":
        about.write_text(about.read_text().replace('"theirs"', '"own"'))
    if how == "not a number":
        (shard,) = about.parent.glob("*.parquet")
        shard.unlink()
        values = np.full((300, 2, 4), np.nan, np.float32)
        cells = [digest_cell(name, table.folder) for name in table.cells("photo")]
        FeatureCache(about.parent, (2, 4)).add(cells, values)
    if how == "too wide":
        about.write_text(about.read_text().replace('"width": 4', '"width": 4000000'))
    if how == "damaged":
        about.write_text("{")
    if how == "a file is gone":
        (Path(str(table.folder)) / "0.png").unlink()
    found = judge(table, None if how == "no cache" else folder)
    if how == "a file is gone":  # it is absent in both
        assert [set(one.rows) <= set(wrong) for one in found] == [True]
    else:
        assert not any("as theirs sees it" in one.message for one in found)


def test_the_plain_numbers_stay_where_they_guess_better(kept: tuple[Table, Path, list[int]]) -> None:
    table, folder, _ = kept
    codes = animals()
    for row, name in enumerate(table.cells("photo")):  # grey of the class: the thumbnail tells all
        Image.fromarray(np.full((8, 8), 40 + 80 * codes[row] + row % 7, np.uint8)).save(Path(str(table.folder)) / name)
    noise = np.random.default_rng(3).standard_normal((300, 2, 4)).astype(np.float32)
    about = {"name": "theirs", "kind": "image", "tokens": 2, "width": 4}
    cells = [digest_cell(name, table.folder) for name in table.cells("photo")]
    cache = FeatureCache(folder / "features" / "key", (2, 4), about)
    first = {cell: row for row, cell in reversed(list(enumerate(cells)))}
    cache.add(list(first), noise[list(first.values())])
    (found,) = judge(table, folder)
    assert "quick guesses from photo, for rows" in found.message


def test_a_modality_in_which_all_rows_are_alike_guesses_nothing() -> None:
    table = read({"note": ["hello there"] * 39 + ["hello you"], "label": ["a", "b"] * 20})
    constant = Table(
        {"note": read({"note": ["same words"] * 40}).data["note"], "label": table.data["label"]}, None, "t"
    )
    survey = survey_table(constant, detect(constant, target="label", kinds={"note": "text"}))
    assert [f.check for f in check_labels(survey, lambda event: None)] == []
