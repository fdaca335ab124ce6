"""From cells of texts to token ids and TF-IDF: the texts of a row joined, and blank rows absent."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.data.feature_cache import digest_text
from plait.errors import TableError
from plait.kinds.part import Part
from plait.kinds.text.prep import TextPrep
from plait.kinds.text.read import DTYPE, apply, digest, fit, join_texts, prepare, read, streams

OPTIONS = TextPrep(min_count=1, subwords=False, ngrams=1)


def make_part(**columns: list[str | None]) -> Part:
    data = {name: pa.chunked_array([pa.array(cells, pa.string())]) for name, cells in columns.items()}
    return Part(Table(data), tuple(columns))


def learned() -> TextPrep:
    """Ids: 2 sea, 3 cold; texts of two tokens. The third row is no training row."""
    part = make_part(note=["cold sea", "sea", "hill hill hill hill", None])
    return fit(OPTIONS, part, np.array([0, 1, 3]), np.random.default_rng(0))


def test_texts_of_a_row_are_joined_under_the_names_of_their_columns() -> None:
    part = make_part(title=["a", None, None], body=["b", "c", None])
    joined = ["\ue000title\ue001 a \n \ue000body\ue001 b", "\ue000body\ue001 c", None]
    assert join_texts(part) == joined
    assert streams(part) == [("title", joined, None)]
    assert join_texts(make_part(title=["a", " "])) == ["a", None]


def test_words_are_those_of_the_training_rows_and_nothing_is_learned_where_nothing_is_to_be() -> None:
    prep = learned()
    assert (prep.words, prep.length) == (("sea", "cold"), 2)
    part = make_part(note=["cold sea", None])
    assert fit(OPTIONS, part, np.array([0]), np.random.default_rng(0), learns=False) is OPTIONS
    for learns in (True, False):
        with pytest.raises(TableError, match="column 'note': no training row has a text"):
            fit(OPTIONS, part, np.array([1]), np.random.default_rng(0), learns=learns)


def test_ids_stand_in_the_row_of_their_text_and_a_blank_row_is_left_alone() -> None:
    part = make_part(note=["Cold sea", None, "sea hill cold", " "])
    values = np.full((4, 2), 9, DTYPE)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = prepare(learned(), part, {"features": 0, "tokens": 2}, values, pool)
    assert values.tolist() == [[3, 2], [9, 9], [2, 1], [9, 9]]  # 1 is a word that is not known
    assert present.tolist() == [[True], [False], [True], [False]]
    assert reasons == [None, "blank", None, "blank"]


def test_tf_idf_goes_before_the_ids_and_either_may_be_left_out() -> None:
    prep, part = learned(), make_part(note=["cold sea", "sea"])
    wide, narrow = np.zeros((2, prep.features + 2), DTYPE), np.zeros((2, prep.features), DTYPE)
    with ThreadPoolExecutor(1) as pool:
        prepare(prep, part, {"features": prep.features, "tokens": 2}, wide, pool)
        prepare(prep, part, {"features": prep.features, "tokens": 0}, narrow, pool)
    assert wide[:, prep.features :].tolist() == [[3, 2], [2, 0]]
    assert np.array_equal(wide[:, : prep.features], narrow)
    assert np.linalg.norm(narrow, axis=1) == pytest.approx([1, 1])
    assert narrow[0] @ narrow[1] == pytest.approx(0.5797, abs=1e-4)  # idf 1 of sea, 1 + ln 1.5 of cold


def test_a_note_says_why_a_text_is_not_there_or_where_it_is_from() -> None:
    table = Table(make_part(note=["sea", None, None]).table.data, notes={"note": ["heard from call", "no words", None]})
    values = np.zeros((3, 2), DTYPE)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = prepare(learned(), Part(table, ("note",)), {"features": 0, "tokens": 2}, values, pool)
    assert present[:, 0].tolist() == [True, False, False]
    assert reasons == ["heard from call", "no words", "blank"]


def test_a_cell_is_its_text_and_is_known_by_it() -> None:
    assert read("sea") == "sea"
    assert apply(str.upper, "sea") == "SEA"
    assert digest("5") == digest(5)
    assert digest("sea") != digest("Sea")


def test_of_a_text_that_is_repaired_features_from_before_the_repair_are_not_found() -> None:
    assert digest("the sea, café") == digest_text("the sea, café")
    assert digest("the sea, cafÃ©") not in (digest_text("the sea, cafÃ©"), digest("the sea, café"))
