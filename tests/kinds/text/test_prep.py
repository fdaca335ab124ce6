import csv
import json

import numpy as np
import pytest

from plait.errors import RequestError, RunError
from plait.kinds.text import prep
from plait.kinds.text.clean import join, show_markers, tokenise
from plait.kinds.text.prep import TextPrep

TEXTS = ["a red dress", "a blue dress", "the red shoe", "the blue shoe is blue"]


def test_columns_are_joined_with_markers_that_are_one_token():
    text = join({"Title": "Nice", "Review Text": "Fits well", "Note": None})
    prep = TextPrep()
    assert [show_markers(t) for t in prep.tokenise(text)] == ["[title]", "nice", "[review text]", "fits", "well"]
    assert join({"Title": "Nice"}) == "Nice"
    assert join({"Title": None, "Note": "  "}) is None
    assert "\ue000" not in join({"only": "plain"})


def test_steps_show_only_what_changed():
    assert TextPrep().steps("<b>CafÃ©</b>") == [
        ("raw", "<b>CafÃ©</b>"), ("html", "CafÃ©"), ("mojibake", "Café"), ("lower", "café")
    ]  # fmt: skip


# --- features


def test_sparse_equals_the_reference():
    from sklearn.feature_extraction.text import TfidfVectorizer

    prep = TextPrep(min_count=1).fitted(TEXTS)
    reference = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), tokenizer=str.split, token_pattern=None)
    reference.fit(TEXTS)
    order = [reference.vocabulary_[term] for term in prep.terms]
    assert sorted(prep.terms) == sorted(reference.vocabulary_)
    new = [*TEXTS, "", "unseen words", "blue blue blue shoe"]
    assert np.allclose(prep.sparse(new).toarray(), reference.transform(new).toarray()[:, order], atol=1e-6)


def test_vector_has_length_one_and_keeps_what_is_near():
    prep = TextPrep(min_count=1, svd=3).fitted(TEXTS)
    x = prep.vector(["a red dress", "the red dress", "the blue shoe", "unseen"])
    assert x.shape == (4, 3) and x.dtype == np.float32 and prep.features == 3
    assert np.allclose(np.linalg.norm(x, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert x[0] @ x[1] > x[0] @ x[2]


def test_svd_equals_the_exact_one():
    prep = TextPrep(min_count=1, svd=2).fitted(TEXTS)
    exact = np.linalg.svd(prep.sparse(TEXTS).toarray(), full_matrices=False)[2][:2]
    assert np.allclose(np.abs(prep.components @ exact.T), np.eye(2), atol=1e-3)


def test_of_many_texts_the_svd_is_learned_from_some(monkeypatch):
    monkeypatch.setattr("plait.kinds.text.prep.MOST_TEXTS", 3)
    some = TextPrep(min_count=1, svd=3).fitted([*TEXTS, "a green hat"])
    assert some.components.shape == (3, len(some.terms))
    assert {"green", "hat", "dress", "shoe"} <= {*some.terms}  # terms and weights are those of all
    assert np.linalg.norm(some.vector(TEXTS), axis=1) == pytest.approx(1, abs=1e-5)


def test_chinese_terms_are_characters_and_pairs():
    prep = TextPrep(min_count=1).fitted(["我爱你", "你爱我"])
    assert prep.terms == ("你", "我", "爱", "你爱", "我爱", "爱你", "爱我")
    row = prep.sparse(["我爱你"]).toarray()[0]
    assert row.tolist() == pytest.approx([0.379, 0.379, 0.379, 0, 0.533, 0.533, 0], abs=1e-3)


def test_ids_are_padded_with_0_and_unknown_is_1():
    prep = TextPrep(min_count=1, subwords=False).fitted(["red dress", "red shoe now"])
    assert prep.words == ("red", "dress", "now", "shoe") and prep.length == 3 and prep.vocabulary == 6
    ids = prep.ids(["Red  dress", "red hat", "", "now shoe red dress dress"])
    assert ids.tolist() == [[2, 3, 0], [2, 1, 0], [1, 0, 0], [4, 5, 2]] and ids.dtype == np.int32


def test_rare_words_are_left_out_and_the_vocabulary_is_bounded():
    assert TextPrep(ngrams=1).fitted(TEXTS).terms == ("a", "blue", "dress", "red", "shoe", "the")
    assert TextPrep(max_features=3, ngrams=1).fitted(TEXTS).words == ("a", "blue", "dress")


def test_a_short_text_is_read_once_however_often_it_is_asked_for(monkeypatch):
    read, long = [], "far " * 300
    monkeypatch.setattr(prep, "tokenise", lambda text: (read.append(text), tokenise(text))[1])
    texts = ["Once upon a TIME", long]
    learned = TextPrep(min_count=1).fitted(texts)
    assert (learned.vector(texts).shape[0], learned.ids(texts).shape[0]) == (2, 2)
    assert sorted(map(len, read)) == [16, 1199, 1199, 1199]
    assert TextPrep(lower=False).tokenise("Once upon a TIME") == ["Once", "upon", "a", "TIME"]
    TextPrep().tokenise("Once upon a TIME").append("more")
    assert TextPrep().tokenise("Once upon a TIME") == ["once", "upon", "a", "time"]


def test_pieces_let_a_misspelt_word_be_known():
    words = ["seven", "sevn", "sevven", "eight", "eigth", "eihgt", "three", "thre", "threee"]
    prep = TextPrep().fitted(words)
    assert prep.pieces  # short texts, many rare words
    x = prep.vector(["seven", "svven", "eight"])
    assert x[0] @ x[1] > 0.3 > x[0] @ x[2]
    assert (prep.ids(["svven"]) > 1).sum() >= 4
    assert not TextPrep().fitted(["plus", "minus", "take away"] * 5).pieces  # short, but nothing is rare


def test_state_rebuilds_the_same_output_through_json():
    prep = TextPrep(svd=3, lower=False, tokens=4).fitted([*TEXTS, "你好 世界"])
    data, arrays = prep.state()
    again = TextPrep.from_state(json.loads(json.dumps(data)), {k: v.copy() for k, v in arrays.items()})
    new = ["a red Shoe", "你好", "new"]
    assert again == prep
    assert np.array_equal(again.vector(new), prep.vector(new))
    assert np.array_equal(again.sparse(new).toarray(), prep.sparse(new).toarray())
    assert np.array_equal(again.ids(new), prep.ids(new))


def test_damaged_state_is_an_error():
    data, arrays = TextPrep().fitted(TEXTS).state()
    with pytest.raises(RunError, match="the text preparation is damaged: 6 terms, idf "):
        TextPrep.from_state(data, {**arrays, "idf": arrays["idf"][:2]})
    with pytest.raises(RunError, match="damaged: 'components'"):
        TextPrep.from_state(data, {"idf": arrays["idf"]})


def test_a_row_alone_equals_that_row_in_a_batch_and_the_same_seed_gives_the_same():
    a, b = (TextPrep(min_count=1).fitted(TEXTS, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a.components, b.components)
    assert np.allclose(a.vector(TEXTS)[2], a.vector(TEXTS[2:3])[0], atol=1e-6)


def test_wrong_options_are_told():
    with pytest.raises(RequestError, match=r"text.svd is 0; expected 1 or more."):
        TextPrep(svd=0)
    with pytest.raises(RequestError, match=r"text has no option 'lowr'. Did you mean 'lower'?"):
        TextPrep.of({"lowr": "true"})
    with pytest.raises(RequestError, match="none of 2 texts holds a word"):
        TextPrep().fitted(["...", ""])
    with pytest.raises(RequestError, match="has learned nothing yet"):
        TextPrep().vector(["a"])
    assert TextPrep.of({"lower": "false", "svd": "64", "subwords": "none"}) == TextPrep(lower=False, svd=64)


@pytest.mark.heavy
def test_reviews_reach_what_tfidf_can(shared_data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    def read(name):
        with open(shared_data / "clothing" / name, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        texts = [join({c: row[c] for c in ("Title", "Review Text")}) for row in rows]
        labels = [int(row["Recommended IND"]) for row in rows]
        return zip(*[(text, label) for text, label in zip(texts, labels, strict=True) if text], strict=True)

    (train, y), (test, z) = read("train.csv"), read("test.csv")
    prep = TextPrep().fitted(train)
    for make, least in ((prep.sparse, 0.94), (prep.vector, 0.935)):
        model = LogisticRegression(max_iter=500).fit(make(train), y)
        assert roc_auc_score(z, model.predict_proba(make(test))[:, 1]) > least
