"""Checks of the target: each finds what was broken on purpose, and keeps still on a sound table."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.checks.findings import Finding
from plait.checks.guesses import deal_folds, fuse
from plait.checks.label_checks import check_labels, find_wrong
from plait.checks.pairing import best_run
from plait.checks.survey import BANDS, CellFacts, Survey, survey_table
from plait.core.contract import Table
from plait.data.feature_cache import FeatureCache, digest_cell
from plait.data.read import read
from plait.kinds.detect import detect

KINDS = ["cat", "dog", "fish"]


def seen_as(values: np.ndarray) -> list[CellFacts | None]:
    """Return what a survey keeps of sounds with these features (rows, feature), None where they are NaN."""
    wide = np.pad(values, ((0, 0), (0, 4 * BANDS - values.shape[1]))).astype(np.float16)
    return [
        None if np.isnan(row[0]) else CellFacts("audio", digest=row.tobytes().hex(), thumb=row.tobytes())
        for row in wide
    ]


def animals(rows: int = 300) -> np.ndarray:
    """Return class codes 0 to 2, (rows,), in no order."""
    return np.random.default_rng(1).permutation(np.arange(rows) % 3)


def look(codes: np.ndarray, seed: int, noise: float = 0.5) -> np.ndarray:
    """Return features (rows, 8) that tell the class."""
    generator = np.random.default_rng(seed)
    centres = 2 * np.eye(3, 8)
    return centres[codes] + noise * generator.standard_normal((len(codes), 8))


def check(labels: list[Any], columns: dict[str, Any] | None = None, **seen: np.ndarray) -> list[Finding]:
    """Check a table with a target, plain columns, and media columns that look as given."""
    media = {name: [f"{name}{i}.wav" for i in range(len(labels))] for name in seen}
    table = read({**media, **(columns or {}), "kind": labels})
    group = "owner" if "owner" in table.names else None
    schema = detect(table, target="kind", group=group, kinds=dict.fromkeys(seen, "audio"))
    return check_labels(
        table, schema, Survey(len(labels), {name: seen_as(values) for name, values in seen.items()}), lambda event: None
    )


def names(codes: np.ndarray) -> list[str]:
    return [KINDS[code] for code in codes]


def brief(found: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(f.severity, f.check, f.column) for f in found]


def test_a_sound_table_has_no_finding() -> None:
    codes = animals()
    split = ["train", "train", "val", "test"] * 75
    assert check(names(codes), {"split": split}, photo=look(codes, 2), voice=look(codes, 3)) == []


@pytest.mark.parametrize("labels", [["cat"] * 50, ["cat", *[None] * 49], ["cat", "dog"] * 15])
def test_nothing_is_found_where_a_check_cannot_run(labels: list[Any]) -> None:
    found = check(labels, photo=np.random.default_rng(0).standard_normal((len(labels), 8)))
    assert brief(found) == []


def test_a_table_without_a_target_is_judged_too() -> None:
    table = read({"weight": [0.5 * i for i in range(50)]})
    assert check_labels(table, detect(table), Survey(50), lambda event: None) == []


def test_a_group_in_two_splits() -> None:
    split, owner = ["train"] * 40 + ["test"] * 20, ["ann", "bob"] * 20 + ["bob", "carl"] * 10
    found = check(["cat", "dog"] * 30, {"split": split, "owner": owner})
    assert ("warning", "split-group", "owner") in brief(found)
    assert "1 of 3 groups are in more than one split: 'bob'" in found[0].message
    found = check(["cat", "dog"] * 30, {"split": split, "owner": ["ann", "bob"] * 20 + ["carl"] * 20})
    assert "split-group" not in [f.check for f in found]


def test_an_id_in_two_splits() -> None:
    ids = [f"animal{i}" for i in range(200)]
    split = ["train"] * 150 + ["test"] * 50
    assert check(["cat", "dog"] * 100, {"id": ids, "split": split}) == []
    ids[199] = "animal3"
    (finding,) = check(["cat", "dog"] * 100, {"id": ids, "split": split})
    assert (finding.severity, finding.check, finding.column, finding.rows) == ("warning", "split-id", "id", (3, 199))


@pytest.mark.parametrize(("dogs", "severities"), [(61, []), (60, ["note"]), (13, ["note"]), (12, ["warning"])])
def test_classes_of_very_different_size(dogs: int, severities: list[str]) -> None:
    found = check(["cat"] * 240 + ["dog"] * dogs)
    assert brief(found) == [(severity, "label-imbalance", "kind") for severity in severities]


def test_too_few_training_rows_of_a_class() -> None:
    split = ["train"] * 40 + ["test"] * 20
    found = check(["cat", "dog"] * 17 + ["fish"] * 16 + ["cat", "dog"] * 5, {"split": split})
    assert brief(found) == [("warning", "label-few-rows", "kind")]
    assert "1 of 3 classes have fewer than 10 training rows to learn from: 'fish' 6" in found[0].message
    assert check(["cat", "dog", "fish"] * 20, {"split": split}) == []


def test_holes_that_depend_on_the_label() -> None:
    codes = animals()
    age = [float(i % 13) for i in range(300)]
    holes = np.random.default_rng(4).random(300)
    fair = [None if holes[i] < 0.3 else age[i] for i in range(300)]
    unfair = [None if holes[i] < (0.5 if codes[i] == 1 else 0.1) else age[i] for i in range(300)]
    assert check(names(codes), {"age": fair}) == []
    (finding,) = check(names(codes), {"age": unfair})
    assert (finding.severity, finding.check, finding.column, finding.rows) == ("warning", "holes-by-label", "age", ())
    assert "of the rows of 'dog' and in" in finding.message


def test_holes_of_pictures_depend_on_the_label() -> None:
    codes = animals()
    photo = look(codes, 2)
    photo[(codes == 2) & (np.arange(300) % 3 > 0)] = np.nan
    assert ("warning", "holes-by-label", "photo") in brief(check(names(codes), photo=photo))


@pytest.mark.parametrize(
    "leak",
    [
        lambda codes: ["meow" if code == 0 else "woof" if code == 1 else "blub" for code in codes],
        lambda codes: (codes * 10 + np.random.default_rng(5).random(len(codes))).tolist(),
        lambda codes: [f"202{code}-03-0{1 + i % 9}" for i, code in enumerate(codes)],
    ],
)
def test_a_column_that_gives_the_label_away(leak: Any) -> None:
    codes = animals()
    found = check(names(codes), {"sound": leak(codes)})
    assert brief(found) == [("warning", "label-leak", "sound")]
    assert "it gives the label away: in rows not learned from, it saves 100 % of the errors" in found[0].message


def test_a_column_that_tells_some_of_the_label_is_no_leak() -> None:
    codes = animals()
    size = (codes + 1.5 * np.random.default_rng(6).standard_normal(300)).tolist()
    assert check(names(codes), {"size": size}) == []


def test_strong_columns_are_worth_a_note_unless_there_are_many() -> None:
    codes = animals()
    near = {f"size{i}": (codes + 0.3 * np.random.default_rng(i).standard_normal(300)).tolist() for i in range(3)}
    found = check(names(codes), {"size0": near["size0"]})
    assert ("note", "label-leak", "size0") in brief(found)
    assert "label-leak" not in [f.check for f in check(names(codes), near)]


def test_a_number_that_is_the_target_in_other_units() -> None:
    metres = np.random.default_rng(7).random(300)
    found = check(metres.tolist(), {"feet": (metres * 3.28).tolist(), "other": metres[::-1].tolist()})
    assert brief(found) == [("warning", "label-leak", "feet")]


def test_the_same_row_with_two_labels() -> None:
    codes = animals()
    photo = look(codes, 2)
    first, second = np.flatnonzero(codes == 0)[0], np.flatnonzero(codes == 2)[5]
    photo[second] = photo[first]
    finding = next(f for f in check(names(codes), photo=photo) if f.check == "label-conflict")
    assert (finding.severity, finding.column, finding.rows) == ("warning", "kind", tuple(sorted((first, second))))


def test_the_same_text_with_two_labels() -> None:
    notes = [f"note {i} tells of animal {i} and of house {i}" for i in range(60)]
    notes[31] = "  NOTE 4 tells of animal 4 and of house 4"
    labels = ["cat", "dog"] * 30
    found = [
        f for f in check(labels, {"note": notes, "age": [i % 7 * 0.5 for i in range(60)]}) if "conflict" in f.check
    ]
    assert [(f.column, f.rows) for f in found] == [("note", (4, 31))]


def test_a_cell_that_is_used_with_many_labels_on_purpose_is_no_conflict() -> None:
    codes = animals()
    cards = np.repeat(look(codes[:30], 2), 10, axis=0)
    found = check(names(codes), photo=cards, voice=look(codes, 3))
    assert "label-conflict" not in [f.check for f in found]


def test_likely_wrong_labels_are_found_and_ranked() -> None:
    codes = animals()
    photo, voice = look(codes, 2), look(codes, 3)
    wrong = np.arange(7, 300, 30)
    labels = codes.copy()
    labels[wrong] = (labels[wrong] + 1) % 3
    (finding,) = check(names(labels), photo=photo, voice=voice)
    assert (finding.severity, finding.check, finding.column) == ("warning", "label-wrong", "kind")
    assert sorted(finding.rows) == wrong.tolist()
    assert finding.message.startswith("10 labels are likely wrong: quick guesses from photo and voice")


def test_hard_rows_are_not_called_wrong() -> None:
    codes = animals()
    assert check(names(codes), photo=look(codes, 2, noise=3.0)) == []


def test_only_rows_drawn_are_looked_at_and_it_is_said() -> None:
    codes = animals(3600)
    labels = codes.copy()
    labels[::60] = (labels[::60] + 1) % 3
    (finding,) = check(names(labels), photo=look(codes, 2), voice=look(codes, 3))
    assert "likely wrong (looked at 3,000 rows, drawn)" in finding.message
    assert set(finding.rows) <= set(range(0, 3600, 60))
    assert len(finding.rows) > 40


@pytest.mark.parametrize(("shift", "said"), [(1, "1 row below"), (-3, "3 rows above")])
def test_a_column_that_slipped_by_some_rows(shift: int, said: str) -> None:
    codes = animals()
    (finding,) = check(names(codes), photo=np.roll(look(codes, 2), -shift, axis=0), voice=look(codes, 3))
    assert (finding.severity, finding.check, finding.column, finding.rows) == (
        "warning",
        "pairing-shifted",
        "photo",
        (),
    )
    assert f"'photo' fits the label {said}" in finding.message


def test_a_block_that_slipped_by_a_row() -> None:
    codes = animals()
    photo = look(codes, 2, noise=0.3)
    photo[100:160] = photo[101:161].copy()
    found = check(names(codes), photo=photo, voice=look(codes, 3))
    (finding,) = (f for f in found if f.check == "pairing-shifted")
    assert (finding.severity, finding.column) == ("warning", "photo")
    inside = set(range(100, 160))
    assert len(inside & set(finding.rows)) >= 50
    assert len(set(finding.rows) - inside) <= 4


def test_cells_that_were_mixed_up_among_rows() -> None:
    codes = animals(600)
    photo = look(codes, 2, noise=0.3)
    mixed = np.random.default_rng(8).permutation(600)[:120]
    photo[mixed] = photo[np.roll(mixed, 1)]
    odd = mixed[codes[mixed] != codes[np.roll(mixed, 1)]]
    found = check(names(codes), photo=photo, voice=look(codes, 3, noise=0.3))
    assert brief(found) == [("warning", "pairing-shuffled", "photo")]
    assert len(set(found[0].rows) & set(odd.tolist())) >= 0.9 * len(odd)
    assert len(set(found[0].rows) - set(odd.tolist())) <= 2


def test_a_table_in_the_order_of_its_labels_did_not_slip() -> None:
    codes = np.sort(animals())
    assert check(names(codes), photo=look(codes, 2), voice=look(codes, 3)) == []


def test_a_picture_that_says_nothing_did_not_slip() -> None:
    codes = animals()
    found = check(names(codes), photo=np.random.default_rng(9).standard_normal((300, 8)), voice=look(codes, 3))
    assert brief(found) == [("note", "pairing-no-signal", "photo")]


def test_find_wrong_takes_sure_contradictions_only() -> None:
    sure, fair = [0.99, 0.01], [0.6, 0.4]
    probabilities = np.array([sure] * 10 + [sure[::-1]] * 10 + [fair, fair[::-1], sure])
    codes = np.array([0] * 10 + [1] * 10 + [1, 0, 1])
    assert find_wrong(probabilities, codes, np.array([0.5, 0.5])) == [22]


def test_find_wrong_spares_a_rare_class() -> None:
    probabilities = np.array([[0.99, 0.01]] * 100)
    codes = np.array([0] * 99 + [1])
    assert find_wrong(probabilities, codes, np.array([0.99, 0.01])) == []


def test_fuse_multiplies_what_is_present() -> None:
    absent = [np.nan, np.nan]
    said = {"photo": np.array([[0.8, 0.2], absent, absent]), "voice": np.array([[0.8, 0.2], [0.3, 0.7], absent])}
    fused = fuse(said, np.array([0.5, 0.5]))
    assert fused == pytest.approx(np.array([[16 / 17, 1 / 17], [0.3, 0.7], [0.5, 0.5]]))


def test_folds_are_dealt_class_by_class() -> None:
    codes = np.array([0] * 10 + [1] * 5)
    folds = deal_folds(codes, np.random.default_rng(0))
    assert np.bincount(folds[:10]).tolist() == [2, 2, 2, 2, 2]
    assert np.bincount(folds[10:]).tolist() == [1, 1, 1, 1, 1]


def test_best_run() -> None:
    assert best_run(np.array([-1, 1, 1, -1, 1, 1, -1, -1])) == (1, 6)


def test_the_same_table_gives_the_same_findings() -> None:
    codes = animals()
    labels = names(codes)
    labels[5] = "dog" if labels[5] == "cat" else "cat"
    assert check(labels, photo=look(codes, 2)) == check(labels, photo=look(codes, 2))


def test_no_torch_is_loaded() -> None:
    code = (
        "import sys, plait.checks.label_checks, plait.checks.table_checks\n"
        "print([name for name in ('torch', 'sklearn', 'scipy', 'pyarrow') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def flipped(table: Table, name: str, share: float) -> tuple[Table, set[int]]:
    """Return the table with a share of its labels changed, and the rows that were."""
    import pyarrow as pa

    generator = np.random.default_rng(7)
    labels = table.cells(name)
    known = sorted(set(labels))
    rows = [int(row) for row in np.flatnonzero(generator.random(len(labels)) < share)]
    for row in rows:
        labels[row] = [label for label in known if label != labels[row]][generator.integers(len(known) - 1)]
    return Table({**table.data, name: pa.chunked_array([pa.array(labels)])}, table.folder), set(rows)


def test_wrong_labels_of_real_digits(shared_data: Path) -> None:
    table = read(shared_data / "digits/digits.csv")
    schema = detect(table, target="digit", group="speaker")
    survey = survey_table(table, schema)
    sound = check_labels(table, schema, survey, lambda event: None)
    assert {f.check for f in sound} <= {"label-wrong"}
    assert sum(len(f.rows) for f in sound) <= 5
    broken, rows = flipped(table, "digit", 0.05)
    (finding,) = check_labels(broken, schema, survey, lambda event: None)
    assert len(set(finding.rows) & rows) >= 0.9 * len(rows)
    assert len(set(finding.rows) - rows) <= 5


def test_a_column_shuffled_all_over_says_nothing_and_is_told_as_that() -> None:
    codes = animals()
    shuffled = np.random.default_rng(9).permutation(look(codes, 2))
    found = check(names(codes), photo=shuffled, sound=look(codes, 3))
    assert ("note", "pairing-no-signal", "photo") in brief(found)
    (finding,) = (f for f in found if f.check == "pairing-no-signal")
    assert "its cells may be shuffled, or it does not matter" in finding.message
    assert "pairing-no-signal" not in {f.check for f in check(names(codes), photo=look(codes, 2), sound=look(codes, 3))}


def test_labels_in_a_pattern_are_no_slipped_column() -> None:
    """With a, b, a, b … the row two away has the label of its own row: nothing can be told from it."""
    codes = np.arange(120) % 2
    found = check([KINDS[code] for code in codes], photo=look(codes, 2, noise=2.0), sound=look(codes, 3, noise=2.0))
    assert [f.check for f in found if f.check.startswith("pairing")] == []


def test_two_fifths_of_the_cells_mixed_up_are_found() -> None:
    codes = np.random.default_rng(5).permutation(np.arange(240) % 2)
    mixed = np.random.default_rng(6).permutation(240)[:96]
    sounds = look(codes, 3)
    sounds[mixed] = sounds[np.roll(mixed, 1)]
    found = check([KINDS[code] for code in codes], photo=look(codes, 2), sound=sounds)
    assert ("warning", "pairing-shuffled", "sound") in brief(found)
    (finding,) = (f for f in found if f.check == "pairing-shuffled")
    assert len(set(finding.rows) & set(mixed.tolist())) >= 0.9 * len(finding.rows) >= 27


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
    found = check_labels(table, schema, survey_table(table, schema, cache=cache), lambda event: None)
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
