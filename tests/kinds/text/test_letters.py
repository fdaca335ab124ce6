"""A text as its letters, and the runs of words and letters that are counted in it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from plait.data.read import read
from plait.kinds.part import Part
from plait.kinds.text.letters import MOST_BYTES, count_grams, fit, prepare
from plait.kinds.text.prep import TextPrep


def written(*texts: str, size: int = 64) -> np.ndarray:
    """Return texts in UTF-8 (batch, byte), with zeros after each."""
    rows = [text.encode().ljust(size, b"\0") for text in texts]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, size)


def runs(text: str) -> tuple[int, int]:
    """Return how many runs of words, and of letters, stand in a text."""
    odd = count_grams(written(text)).indices & 1
    return int((odd == 0).sum()), int(odd.sum())


def test_runs_are_words_pairs_of_them_and_letters_within_blanks() -> None:
    # a b _a ab b_ _ab ab_ _ab_ and the same of cd
    assert runs("ab cd") == (3, 16)
    assert runs("ab") == (1, 8)
    assert runs("!") == (0, 4)  # ! _! !_ _!_
    assert runs("") == (0, 0)


def test_letters_that_are_words_by_themselves_stand_in_runs_of_three_at_most() -> None:
    # 我 爱 你 们, three pairs and two edges, two of three and two edges
    assert runs("我爱你们") == (0, 4 + 5 + 4)


def test_what_is_counted_is_the_logarithm_and_the_same_in_any_batch() -> None:
    once, thrice = (count_grams(written(text)) for text in ("cat", "cat cat cat"))
    assert {*once.indices} < {*thrice.indices}
    assert once.data.tolist() == [1.0] * once.nnz
    assert thrice[:, once.indices].toarray().tolist() == [pytest.approx([1 + np.log(3)] * once.nnz)]
    batch = count_grams(written("a dog", "cat", "猫 and a cat", ""))
    assert batch.shape[0] == 4
    assert (batch[1] != once).nnz == 0
    assert batch[3].nnz == 0


def test_texts_are_cleaned_and_kept_as_long_as_most_of_them_are() -> None:
    texts = [*["<b>Ｃaf\u00e9</b>\n  now"] * 99, "x" * 300]
    prep = fit(TextPrep(), texts)
    assert prep.tokens == len("café now".encode()) + 2  # between the longest two
    assert fit(TextPrep(), ["y" * 20_000]).tokens == MOST_BYTES
    table = read({"note": [texts[0], None, "longer than this is"], "y": [1, 2, 3]})
    values = np.zeros((3, prep.tokens), np.uint8)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = prepare(prep, Part(table, ("note",)), {}, values, pool)
    assert [bytes(row).rstrip(b"\0").decode() for row in values] == ["café now", "", "longer than"]
    assert present.tolist() == [[True], [False], [True]]
    assert [reason is None for reason in reasons] == [True, False, True]


def test_names_of_columns_are_no_words_and_broken_bytes_are_left_out() -> None:
    prep = fit(TextPrep(), ["warm"])
    table = read({"title": ["So"], "note": ["warm"], "y": [1]})
    values = np.zeros((1, 40), np.uint8)
    with ThreadPoolExecutor(1) as pool:
        prepare(prep, Part(table, ("title", "note")), {}, values, pool)
    assert bytes(values[0]).rstrip(b"\0") == b"so warm"
    cut = written("ab我")[:, :4]
    assert (count_grams(cut) != count_grams(written("ab"))).nnz == 0
