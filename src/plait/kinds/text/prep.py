"""Text: TF-IDF with SVD, and token ids. Knows no table file and no network; `clean` holds the steps on one string.

Every step of cleaning can be switched off. What is learned (`fitted`) is a vocabulary, idf weights and an
SVD basis: plain lists and arrays, which `state` gives and `from_state` takes back.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from plait.core.options import option
from plait.core.threads import single_blas
from plait.errors import RequestError, RunError
from plait.kinds.preparation import Preparation, check_bounds, require
from plait.kinds.text.clean import CLEANING, clean, is_one_character, tokenise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

PAD, UNKNOWN, FIRST = 0, 1, 2  # ids: empty place, a word outside the vocabulary, the first word of the vocabulary

BOUNDS = {
    "max_features": (1, math.inf, ""), "min_count": (1, math.inf, ""), "ngrams": (1, 5, ""), "svd": (1, math.inf, ""),
    "tokens": (1, 65_536, ""), "length": (0, 65_536, ""),
}  # fmt: skip
LARGEST = 1000.0  # of an idf, 1 + ln(texts), and of a basis of vectors of length 1
KEPT, SHORT = 4_096, 1_000  # texts whose tokens are kept, and letters up to which one is: folds ask for each often
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Cleaning(Preparation):
    """What every preparation of texts begins with: the steps of cleaning, each of which can be switched off."""

    KIND: ClassVar[str] = "text"

    normalise: bool = option(True, "Make full-width letters, ligatures and curly apostrophes plain (Unicode NFKC).")
    mojibake: bool = option(True, "Repair UTF-8 that was read as Windows-1252, such as cafÃ©.")
    html: bool = option(True, "Take HTML tags and entities out.")
    whitespace: bool = option(True, "Make every run of blanks one space; take control characters out.")
    lower: bool = option(True, "Make capital letters small.")

    def clean(self, text: str) -> str:
        """Return the text cleaned by the steps that are on."""
        return clean_by(text, [getattr(self, name) for name in CLEANING])

    def tokenise(self, text: str) -> list[str]:
        """Return the tokens of a raw text, cleaned first."""
        return list(self._tokens(text))

    def _tokens(self, text: str) -> Sequence[str]:
        steps = tuple(getattr(self, name) for name in CLEANING)
        return _kept_tokens(text, steps) if len(text) <= SHORT else tokenise(clean_by(text, steps))


def clean_by(text: str, steps: Sequence[bool]) -> str:
    """Return a text cleaned by those of the steps of `CLEANING` that are on."""
    return clean(text, **dict(zip(CLEANING, steps, strict=True)))


@lru_cache(KEPT)
def _kept_tokens(text: str, steps: tuple[bool, ...]) -> tuple[str, ...]:
    return tuple(tokenise(clean_by(text, steps)))


class Counts(NamedTuple):
    """How often terms stand in texts. values, terms: (count,), text by text; those of text i: ends[i] to ends[i+1]."""

    values: np.ndarray
    terms: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True)
class TextPrep(Cleaning):
    """How a text becomes TF-IDF, its SVD, or token ids. `fitted` learns the vocabulary.

    Args:
        normalise, mojibake: make full-width letters and ligatures plain (Unicode NFKC); repair broken UTF-8.
        html, whitespace, lower: take tags and entities out; make each run of blanks one space, and letters small.
        max_features, min_count: words and terms kept at most; texts that each must be in.
        ngrams: longest run of words (or of Chinese characters) that is a TF-IDF term.
        subwords: add pieces of words, for misspelt ones; by default for short, varied texts.
        svd, tokens: numbers that TF-IDF is brought down to; longest text in token ids, the rest is cut.
        words, terms, idf, components, length, pieces: what `fitted` learned.

    Example:
        >>> prep = plait.TextPrep(min_count=1, subwords=False).fitted(["mild fever", "fever and cough"])
        >>> prep.ids(["fever!"]).shape, prep.vector(["fever!"]).shape  # (batch, token), (batch, feature)
        ((1, 3), (1, 2))
    """

    max_features: int = option(20_000, "Words, and TF-IDF terms, that are kept at most: the most common.")
    min_count: int = option(2, "Texts that a word or term must be in to be kept.")
    ngrams: int = option(2, "Longest run of words (or of Chinese characters) that is a TF-IDF term.")
    subwords: bool | None = option(None, "Add pieces of words, for misspelt ones. Else: for short, varied texts.")
    svd: int = option(256, "Numbers that TF-IDF is brought down to.")
    tokens: int = option(128, "Longest text in token ids; the rest is cut.")

    words: tuple[str, ...] = field(default=(), repr=False)  # id of words[i] is i + 2
    terms: tuple[str, ...] = field(default=(), repr=False)
    idf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False, compare=False)  # (vocabulary,)
    components: np.ndarray = field(  # (feature, vocabulary): the SVD basis
        default_factory=lambda: np.zeros((0, 0), np.float32), repr=False, compare=False
    )
    length: int = 0  # tokens that `ids` gives: what 99 of 100 training texts need, at most `tokens`
    pieces: bool = False  # what `subwords` came to

    def __post_init__(self) -> None:
        check_bounds(self, BOUNDS)
        require(self, "length", self.length > 0 or not self.terms, "1 or more, where there are terms")
        object.__setattr__(self, "_word_ids", {word: k + FIRST for k, word in enumerate(self.words)})
        object.__setattr__(self, "_term_ids", {term: k for k, term in enumerate(self.terms)})

    def steps(self, text: str) -> list[tuple[str, str]]:
        """Return (name, text so far) for each step that changes the text, for drawing."""
        steps = dict.fromkeys(
            ("html", "mojibake", "normalise", "whitespace", "lower"), False
        )  # in the order of `clean`
        out = [("raw", text)]
        for name in steps:
            steps[name] = getattr(self, name)
            done = clean(text, **steps)
            if done != out[-1][1]:
                out.append((name, done))
        return out

    def knows(self, tokens: Iterable[str]) -> list[bool]:
        """Return for each token whether it is in the vocabulary of token ids."""
        return [token in self._word_ids for token in tokens]  # type: ignore[attr-defined]

    def fitted(self, texts: Sequence[str], generator: np.random.Generator | None = None) -> TextPrep:
        """Return a copy that has learned its vocabulary, idf and SVD basis from the training texts.

        Terms are those in the most texts. The SVD is randomised (Halko and others 2011, arXiv:0909.4061).

        Args:
            texts: (batch,) strings.
            generator: draws the start of the SVD; by default one with seed 0.

        Raises:
            RequestError: no text holds a token.
        """
        tokens = [self._tokens(text or "") for text in texts]
        in_texts = Counter(token for row in tokens for token in set(row))
        if not in_texts:
            raise RequestError(f"none of {len(tokens)} texts holds a word; expected one or more. Is it text?")
        pieces = self.subwords
        if pieces is None:
            rare = sum(n < max(2, self.min_count) for n in in_texts.values())
            pieces = float(np.median([len(row) for row in tokens])) <= 8 and rare >= 0.2 * len(in_texts)
        spelt = [list(_spell(row)) for row in tokens] if pieces else tokens
        words = self._common(Counter(token for row in spelt for token in set(row)))
        found = (set(_terms(row, self.ngrams, pieces)) for row in tokens)
        terms = self._common(Counter(itertools.chain.from_iterable(found)))
        needed = int(np.ceil(np.quantile([len(row) for row in spelt], 0.99)))
        out = replace(self, words=words, terms=terms, length=max(1, min(self.tokens, needed)), pieces=pieces)
        counts = out._counts(tokens)
        seen = np.bincount(counts.terms, minlength=len(terms))
        idf = (np.log((1 + len(tokens)) / (1 + seen)) + 1).astype(np.float32)
        out = replace(out, idf=idf)
        return replace(out, components=_svd(out._sparse(counts), self.svd, generator or np.random.default_rng(0)))

    def _common(self, counts: Counter[str]) -> tuple[str, ...]:
        """Return the most common terms, common first; when nothing is common enough, all there are."""
        kept = [term for term, n in counts.items() if n >= self.min_count] or list(counts)
        return tuple(sorted(kept, key=lambda term: (-counts[term], term))[: self.max_features])

    def _counts(self, tokens: Sequence[Sequence[str]]) -> Counts:
        """Return how often each term stands in each text."""
        ids: dict[str, int] = self._term_ids  # type: ignore[attr-defined]
        columns: list[int] = []
        values: list[int] = []
        ends = [0]
        for row in tokens:
            counts = Counter(ids[term] for term in _terms(row, self.ngrams, self.pieces) if term in ids)
            known = sorted(counts)
            columns += known
            values += [counts[i] for i in known]
            ends.append(len(columns))
        return Counts(np.asarray(values, np.float32), np.asarray(columns, np.int32), np.asarray(ends, np.int32))

    def _weighed(self, counts: Counts) -> np.ndarray:
        """Return (1 + ln count) · idf for each count, each text of length 1."""
        weighed = (1 + np.log(counts.values)) * self.idf[counts.terms]
        num = len(counts.ends) - 1
        row = np.repeat(np.arange(num), np.diff(counts.ends))
        return weighed / np.sqrt(np.bincount(row, weighed**2, num)).astype(np.float32)[row]

    def _sparse(self, counts: Counts) -> csr_matrix:
        from scipy.sparse import csr_matrix  # here, since it takes long to import, and `vector` does without

        shape = (len(counts.ends) - 1, len(self.terms))
        return csr_matrix((self._weighed(counts), counts.terms, counts.ends), shape=shape, dtype=np.float32)

    def sparse(self, texts: Sequence[str]) -> csr_matrix:
        """Return TF-IDF of `texts`, float32 (batch, vocabulary): sublinear counts, rows of length 1 or 0."""
        self._check()
        return self._sparse(self._counts([self._tokens(text or "") for text in texts]))

    def vector(self, texts: Sequence[str]) -> np.ndarray:
        """Return TF-IDF of `texts` brought down by SVD (batch, feature) float32, rows of length 1 or 0.

        Latent semantic analysis (Deerwester and others 1990).
        """
        self._check()
        counts = self._counts([self._tokens(text or "") for text in texts])
        used, places = np.unique(counts.terms, return_inverse=True)
        basis, weighed = np.ascontiguousarray(self.components.T[used]), self._weighed(counts)[:, None]
        reduced = np.zeros((len(texts), self.features), np.float32)
        for row, (start, end) in enumerate(itertools.pairwise(counts.ends)):
            # term by term in their order, as the product of a sparse matrix is summed
            np.add.reduce(basis[places[start:end]] * weighed[start:end], axis=0, out=reduced[row])
        norms = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.divide(reduced, norms, out=np.zeros_like(reduced), where=norms > 1e-12)

    def ids(self, texts: Sequence[str]) -> np.ndarray:
        """Return token ids of `texts` (batch, token) int32: 0 empty place, 1 unknown word. No row is all 0.

        With `pieces` each word is followed by its parts of 2 and 3 letters (Bojanowski and others 2017,
        arXiv:1607.04606).
        """
        self._check()
        known: dict[str, int] = self._word_ids  # type: ignore[attr-defined]
        out = np.full((len(texts), self.length), PAD, np.int32)
        out[:, 0] = UNKNOWN
        for row, text in zip(out, texts, strict=True):
            tokens = self._tokens(text or "")
            line = [known.get(token, UNKNOWN) for token in (_spell(tokens) if self.pieces else tokens)][: self.length]
            row[: len(line)] = line
        return out

    @property
    def features(self) -> int:
        """How many numbers a row of `vector` has."""
        return len(self.components)

    @property
    def vocabulary(self) -> int:
        """How many ids `ids` can give, the empty place and the unknown word included."""
        return len(self.words) + FIRST

    def _check(self) -> None:
        if not self.terms:
            raise RequestError("this text preparation has learned nothing yet; call fitted(texts) first.")

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this object: a dict for JSON and named arrays."""
        return self.to_json(), {"idf": self.idf, "components": self.components}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TextPrep:
        """Return what `state` gave as an object again. Raises RunError when the parts do not belong together."""
        out, wrong = cls.from_json(data), ""
        n, learned = len(out.terms), {name: arrays[name] for name in ("idf", "components") if name in arrays}
        if len(learned) < 2:
            wrong = f"{'components' if 'idf' in learned else 'idf'!r} is not there"
        elif learned["idf"].shape != (n,) or learned["components"].shape[1:] != (n or 0,):
            wrong = f"{n} terms, idf {learned['idf'].shape}, components {learned['components'].shape}"
        elif any(values.dtype.kind != "f" or not (np.abs(values) <= LARGEST).all() for values in learned.values()):
            wrong = "a number of it is not finite, or far too large"
        elif not (learned["idf"] > 0).all():
            wrong = "an idf is not above 0"
        if wrong:
            raise RunError(f"the text preparation is damaged: {wrong}. Fit again.")
        idf, components = (learned[name].astype(np.float32) for name in ("idf", "components"))
        return replace(out, idf=idf, components=components)


def _spell(tokens: Iterable[str]) -> Iterator[str]:
    """Yield each token, and after a word its pieces of 2 and 3 letters, edges marked: ##<se ##sev …"""
    for token in tokens:
        yield token
        if _WORD.match(token) and not is_one_character(token):
            edged = f"<{token}>"
            for size in (2, 3):
                yield from (f"##{edged[i : i + size]}" for i in range(len(edged) - size + 1))


def _terms(tokens: Sequence[str], ngrams: int, pieces: bool) -> Iterator[str]:
    """Return the runs of 1 to ngrams tokens, characters joined without a space, and pieces of words."""
    alone = _spell(tokens) if pieces else tokens
    if not "".join(tokens).isascii():
        return itertools.chain(alone, _runs(tokens, ngrams))
    sizes = range(2, ngrams + 1)  # of plain words, which are most, runs are made without a look at each
    runs = (map(" ".join, zip(*(tokens[start:] for start in range(size)), strict=False)) for size in sizes)
    return itertools.chain(alone, *runs)


def _runs(tokens: Sequence[str], ngrams: int) -> Iterator[str]:
    """Yield the runs of 2 to ngrams tokens, of which those of a script that is told by character stand close."""
    solid = [not token.isascii() and is_one_character(token) for token in tokens]
    for start in range(len(tokens) - 1):
        run = tokens[start]
        for end in range(start + 1, min(start + ngrams, len(tokens))):
            run += tokens[end] if solid[end - 1] and solid[end] else " " + tokens[end]
            yield run


def _svd(x: csr_matrix, size: int, generator: np.random.Generator) -> np.ndarray:
    """Return the first right singular vectors of x (batch, vocabulary): (feature, vocabulary) float32.

    Of many texts those of some, drawn: which directions texts differ in most is known from them.
    """
    if x.shape[0] > MOST_TEXTS:
        x = x[np.sort(generator.permutation(x.shape[0])[:MOST_TEXTS])]
    size = max(1, min(size, min(x.shape)))
    q = generator.standard_normal((x.shape[1], min(size + 10, min(x.shape)))).astype(np.float32)
    with single_blas():  # each product is small, and there are many
        for _ in range(4):
            q = x.T @ np.linalg.qr(x @ q)[0]
        q = np.linalg.qr(q)[0]
        _, _, v = np.linalg.svd(x @ q, full_matrices=False)
        return np.ascontiguousarray((v[:size] @ q.T).astype(np.float32))


MOST_TEXTS = 10_000  # that the SVD is learned from
PREP = TextPrep
COMMON, LATIN = 3, 0.9  # of the commonest words of English, and the share of words in its letters, that tell it
SENTENCE = 8  # tokens of long training texts from which on they are sentences


def may_gain(prep: TextPrep) -> bool:
    """Say whether what others have learned from sentences may be of use."""
    return prep.length >= SENTENCE


def is_english(prep: TextPrep) -> bool:
    """Say whether training texts are English sentences: long enough, in its letters, with its commonest words."""
    common = {"the", "and", "of", "to", "a", "in", "is"}.intersection(prep.words)
    return may_gain(prep) and len(common) >= COMMON and sum(map(str.isascii, prep.words)) > LATIN * len(prep.words)


SHARED = CLEANING  # the options that a pretrained encoder's preparation may be given


@dataclass(frozen=True, eq=False)
class IdsPrep:
    """One text → its token ids (token,), by a fitted `TextPrep`."""

    KIND: ClassVar[str] = Cleaning.KIND

    prep: Any

    def __call__(self, text: str) -> np.ndarray:
        return self.prep.ids([text])[0]

    def to_json(self) -> dict[str, Any]:
        """Return what the ids depend on: the options, and the vocabulary as its SHA-256."""
        options = {f.name: getattr(self.prep, f.name) for f in fields(self.prep) if "help" in f.metadata}
        words = hashlib.sha256("\n".join(self.prep.words).encode("utf-8", "surrogatepass")).hexdigest()
        return {**options, "length": self.prep.length, "pieces": self.prep.pieces, "words": words}


for_own = IdsPrep  # the preparation of a module of the user's own


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of a text: its parts and their sizes."""
    features = 0 if encoder == "tokens" else prep.features
    tokens = 0 if encoder == "tfidf" and features else prep.length
    return {"features": features, "tokens": tokens, "vocabulary": prep.vocabulary}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (feature + token,)."""
    return (layout["features"] + layout["tokens"],)


MANY_ROWS = 10_000  # from here on token embeddings learn more than they overfit


def usual(rows: int) -> str:
    """Return the encoder of a modality that is trained here, where it is left open."""
    return "both" if rows >= MANY_ROWS else "tfidf"


def own_input(prep: Any) -> tuple[tuple[int, ...], str]:
    """Return shape and dtype of a text as a module of the user's own is given it: token ids."""
    return (prep.length,), "int64"
