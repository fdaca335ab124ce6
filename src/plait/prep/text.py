"""Text: cleaning, tokens, TF-IDF with SVD, and token ids. Knows no table file and no network.

Every step works on one string and can be switched off. What is learned (`fitted`) is a vocabulary, idf weights and an
SVD basis: plain lists and arrays, which `state` gives and `from_state` takes back.
"""

from __future__ import annotations

import html.entities
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.errors import RequestError, RunError
from plait.options import from_strings

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_matrix

PAD, UNKNOWN, FIRST = 0, 1, 2  # ids: empty place, a word outside the vocabulary, the first word of the vocabulary

# Mojibake: UTF-8 bytes that were read as Windows-1252 or Latin-1.
_HIGH = {chr(b): b for b in range(0x80, 0x100)}
_HIGH |= {bytes([b]).decode("cp1252"): b for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_NEXT = "".join(re.escape(c) for c, b in _HIGH.items() if b < 0xC0)
_AFTER = "…”’“‘–—»«›‹®™©°ºª²³¹·´¯¨ \u00a0†‡•ŠŒŽšœžŸƒ"  # what can stand right after a letter in good text
_RARE = "".join(re.escape(c) for c, b in _HIGH.items() if b < 0xC0 and c not in _AFTER)
# A no-break space often became a plain space on the way; as the third byte it is taken after a rare second one.
_BROKEN = re.compile(f"[Â-ß][{_NEXT}]|[à-ï](?:[{_NEXT}]{{2}}|[{_RARE}] )|[ð-ô][{_NEXT}]{{3}}")

_TAGS = (
    "a abbr acronym address article aside b big blockquote body br button caption center cite code col dd del details "
    "div dl dt em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd "
    "label li link main mark meta nav ol option p pre q s samp section select small source span strike strong sub "
    "summary sup svg table tbody td textarea tfoot th thead title tr tt u ul var video"
)
_ATTRIBUTE = r"""\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_INLINE = "a abbr b big cite code del em font i ins kbd mark q s small span strike strong sub sup tt u var"
_TAG = re.compile(rf"</?({_TAGS.replace(' ', '|')})(?:{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<!--(?:(?!<!--).)*?-->|<(script|style)\b[^<>]*>(?:(?!<\1).)*?</\1\s*>", re.DOTALL | re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")  # not the joiners of Persian and emoji
_QUOTES = str.maketrans("’‘ʼ＇", "''''")

# Scripts written without spaces (and Korean, whose words take many endings) are told by character.
_CHARACTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"  # Han and kana
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"  # Hangul
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0ebd-\u0ec6"  # Thai and Lao
    "\u1000-\u102a\u1780-\u17b3"  # Burmese and Khmer
)
_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
_JOINED = (  # signs of Latin, Hebrew, Arabic and Indic words, and the joiners
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff\u200c\u200d"
)
_LETTER = rf"(?:(?![{_CHARACTERS}{_MARKS}])[\w{_JOINED}])"
_TOKEN = re.compile(
    "\ue000[^\ue001]*\ue001"  # the marker of a column
    r"|\d+(?:[.,]\d+)+(?!\w)"  # 3.5 and 1,000
    rf"|{_LETTER}+(?:'{_LETTER}+)*"
    rf"|[{_CHARACTERS}][{_MARKS}]*"
    r"|[!?%&#@*/+=<>^$€£¥±×÷−°√≤≥≠←-⇿∀-⋿☀-➿\U0001f000-\U0001faff]"
    rf"|(?<![^\W_])-|-(?![^\W_])|(?<=\d)-(?=\d)"  # a minus, not a hyphen
)
_ONE_CHARACTER = re.compile(rf"[{_CHARACTERS}]")
_WORD = re.compile(r"[^\W\d_]{2,}")


def clean(
    text: str,
    *,
    normalise: bool = True,
    mojibake: bool = True,
    html: bool = True,
    whitespace: bool = True,
    lower: bool = True,
) -> str:
    """Return the text cleaned by the steps that are on, in this order: html, mojibake, normalise, whitespace, lower.

    >>> clean("<b>CafÃ©</b> &amp; Ｂａｒ")
    'café & bar'
    """
    if html:
        text = strip_html(text)
    if mojibake:
        text = repair_mojibake(text)
    if normalise:
        text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    if whitespace:
        text = " ".join(_UNSEEN.sub("", _CONTROL.sub(" ", text)).split())
    return text.lower() if lower else text


def strip_html(text: str) -> str:
    """Return the text without tags, comments, scripts and styles, and with entities as characters.

    Only tags that HTML has are taken, so "x <y and z> w" stays; an entity needs its semicolon, so "?a=1&copy=2" stays.
    """
    if "<" in text:
        text = _TAG.sub(lambda match: "" if match[1].lower() in _INLINE.split() else " ", _HIDDEN.sub(" ", text))
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    known = entity[0][1] == "#" or entity[0][1:] in html.entities.html5
    return html.unescape(entity[0]) if known else entity[0]


def repair_mojibake(text: str) -> str:
    """Return the text with what was UTF-8, but read as Windows-1252 or Latin-1 (up to three times), made right.

    A sequence such as "Ã©" is repaired where good text cannot hold it. One that good text may hold by chance ("CAFÉ”")
    is repaired only when there is proof elsewhere and no good letter beyond ASCII. After the idea of ftfy (Speer 2019).

    >>> repair_mojibake("cafÃ©"), repair_mojibake("CAFÉ”")
    ('café', 'CAFÉ”')
    """
    for _ in range(3):
        found = [] if text.isascii() else [(m, good) for m in _BROKEN.finditer(text) if (good := _decode(m[0]))]
        proof = [_is_proof(text, m) for m, _good in found]
        for run in _runs([m.span() for m, _good in found]):  # letters of another script stand in rows: "ÐŸÑ€Ð¸"
            if len(run) > 3 or (len(run) > 1 and any(_is_rare(found[k][0][0]) for k in run)):
                proof[run.start : run.stop] = [True] * len(run)
        if not any(proof):
            break
        inside = sum(not c.isascii() for m, _good in found for c in m[0])
        everything = inside == sum(not c.isascii() for c in text)
        parts, end = [], 0
        for (match, good), sure in zip(found, proof, strict=True):
            if sure or everything:
                parts += [text[end : match.start()], good]
                end = match.end()
        text = "".join([*parts, text[end:]])
    return text


def _decode(broken: str) -> str:
    """Return the character that the bytes of a sequence stand for, or "" when they stand for none that is used."""
    try:
        good = bytes(_HIGH[c] for c in broken.replace(" ", "\u00a0")).decode("utf-8")
    except UnicodeDecodeError:
        return ""
    twice = any("\x80" <= c <= "\x9f" for c in broken)  # only text that was broken twice holds a C1 control
    unused = ("Co", "Cn", "Cs") if twice else ("Co", "Cn", "Cs", "Cc")
    return "" if unicodedata.category(good) in unused else good


def _runs(spans: Sequence[tuple[int, int]]) -> Iterator[range]:
    """Yield the indices of spans that touch."""
    start = 0
    for k in range(1, len(spans) + 1):
        if k == len(spans) or spans[k][0] != spans[k - 1][1]:
            yield range(start, k)
            start = k


def _is_rare(sequence: str) -> bool:
    return any(c not in _AFTER for c in sequence[1:])


def _is_proof(text: str, match: re.Match[str]) -> bool:
    """Tell whether no good text would hold this sequence at this place."""
    lead, rest = match[0][0], match[0][1:]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    rare = _is_rare(match[0])
    if any("\x80" <= c <= "\x9f" for c in rest) or lead in "âð":
        return True
    if len(rest) > 1:
        return rare
    small = before.islower() or (after.islower() and rest not in "–—’…")
    if lead in "ÂÃ":
        return small or rare or not before.isalpha() or (after.isalpha() and rest not in "–—’…")
    return small and rare and lead != "ß"


def tokenise(text: str) -> list[str]:
    """Return the tokens of a (cleaned) text: words with their apostrophes, numbers, signs.

    Chinese, Japanese, Korean and Thai go by character. Full stops, commas, quotes and brackets are left out.

    >>> tokenise("don't pay 3.5 + 1!"), tokenise("我爱Python")
    (["don't", 'pay', '3.5', '+', '1', '!'], ['我', '爱', 'Python'])
    """
    return _TOKEN.findall(text)


def join(cells: Mapping[str, Any]) -> str | None:
    """Return the texts of one row's columns as one text, or None when all are absent.

    With several columns each text follows a marker of its column (one token), in the order of the mapping.
    """
    texts = {name: str(cell) for name, cell in cells.items() if cell is not None and str(cell).strip()}
    if not texts:
        return None
    if len(cells) == 1:
        return next(iter(texts.values()))
    return " \n ".join(f"{_marker(name)} {_unmarked(text)}" for name, text in texts.items())


def _unmarked(text: str) -> str:
    return text.replace("\ue000", "").replace("\ue001", "")


def _marker(name: str) -> str:
    return f"\ue000{_unmarked(name)}\ue001"


def show_token(token: str) -> str:
    """Return a token as a person reads it: the marker of a column as [column]."""
    return f"[{token[1:-1]}]" if token.startswith("\ue000") else token


def drop_words(ids: torch.Tensor, generator: torch.Generator, share: float = 0.1) -> torch.Tensor:
    """Return ids (batch, token) with a share of the words made unknown (word dropout, Iyyer and others 2015, ACL)."""
    import torch

    draw = torch.rand(ids.shape, generator=generator, device=generator.device).to(ids.device)
    return torch.where((draw < share) & (ids >= FIRST), torch.full_like(ids, UNKNOWN), ids)


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class TextPrep:
    """Text → TF-IDF, its SVD, or token ids. The options come first; the rest is learned by `fitted`."""

    normalise: bool = _option(True, "Make full-width letters, ligatures and curly apostrophes plain (Unicode NFKC).")
    mojibake: bool = _option(True, "Repair UTF-8 that was read as Windows-1252, such as cafÃ©.")
    html: bool = _option(True, "Take HTML tags and entities out.")
    whitespace: bool = _option(True, "Make every run of blanks one space; take control characters out.")
    lower: bool = _option(True, "Make capital letters small.")
    max_features: int = _option(20_000, "Words, and TF-IDF terms, that are kept at most: the most common.")
    min_count: int = _option(2, "Texts that a word or term must be in to be kept.")
    ngrams: int = _option(2, "Longest run of words (or of Chinese characters) that is a TF-IDF term.")
    subwords: bool | None = _option(None, "Add pieces of words, for misspelt ones. Else: for short, varied texts.")
    svd: int = _option(256, "Numbers that TF-IDF is brought down to.")
    tokens: int = _option(128, "Longest text in token ids; the rest is cut.")

    words: tuple[str, ...] = field(default=(), repr=False)  # id of words[i] is i + 2
    terms: tuple[str, ...] = field(default=(), repr=False)
    idf: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), repr=False, compare=False)  # (vocabulary,)
    components: np.ndarray = field(  # (feature, vocabulary): the SVD basis
        default_factory=lambda: np.zeros((0, 0), np.float32), repr=False, compare=False
    )
    length: int = 0  # tokens that `ids` gives: what 99 of 100 training texts need, at most `tokens`
    pieces: bool = False  # what `subwords` came to

    def __post_init__(self) -> None:
        for name, least in (("max_features", 1), ("min_count", 1), ("ngrams", 1), ("svd", 1), ("tokens", 1)):
            if getattr(self, name) < least:
                raise RequestError(f"text.{name} is {getattr(self, name)}; expected {least} or more.")
        if self.ngrams > 5:
            raise RequestError(f"text.ngrams is {self.ngrams}; expected 1 to 5.")
        object.__setattr__(self, "_word_ids", {word: k + FIRST for k, word in enumerate(self.words)})
        object.__setattr__(self, "_term_ids", {term: k for k, term in enumerate(self.terms)})

    @classmethod
    def of(cls, options: Mapping[str, object]) -> TextPrep:
        """Make the options from names and values, which may be strings. Raises RequestError for an unknown one."""
        return from_strings(cls, options, "text")

    def clean(self, text: str) -> str:
        """Return the text cleaned by the steps that are on."""
        return clean(
            text,
            normalise=self.normalise,
            mojibake=self.mojibake,
            html=self.html,
            whitespace=self.whitespace,
            lower=self.lower,
        )

    def steps(self, text: str) -> list[tuple[str, str]]:
        """Return (name, text so far) for each step that changes the text, for drawing."""
        steps = dict.fromkeys(("html", "mojibake", "normalise", "whitespace", "lower"), False)
        out = [("raw", text)]
        for name in steps:
            steps[name] = getattr(self, name)
            done = clean(text, **steps)
            if done != out[-1][1]:
                out.append((name, done))
        return out

    def tokenise(self, text: str) -> list[str]:
        """Return the tokens of a raw text, cleaned first."""
        return tokenise(self.clean(text))

    def known(self, tokens: Iterable[str]) -> list[bool]:
        """Return for each token whether it is in the vocabulary of token ids."""
        return [token in self._word_ids for token in tokens]  # type: ignore[attr-defined]

    def fitted(self, texts: Sequence[str], generator: np.random.Generator | None = None) -> TextPrep:
        """Return a copy that has learned its vocabulary, idf and SVD basis from the training texts.

        Terms are those in the most texts. The SVD is randomised (Halko and others 2011, arXiv:0909.4061); the generator
        draws its start. Raises RequestError when no text holds a token.
        """
        tokens = [self.tokenise(text or "") for text in texts]
        in_texts = Counter(token for row in tokens for token in set(row))
        if not in_texts:
            raise RequestError(f"none of {len(tokens)} texts holds a word; expected one or more. Is it text?")
        pieces = self.subwords
        if pieces is None:
            rare = sum(n < max(2, self.min_count) for n in in_texts.values())
            pieces = float(np.median([len(row) for row in tokens])) <= 8 and rare >= 0.2 * len(in_texts)
        spelt = [list(_spell(row)) for row in tokens] if pieces else tokens
        words = self._common(Counter(token for row in spelt for token in set(row)))
        terms = self._common(Counter(term for row in tokens for term in set(_terms(row, self.ngrams, pieces))))
        needed = int(np.ceil(np.quantile([len(row) for row in spelt], 0.99)))
        out = replace(self, words=words, terms=terms, length=max(1, min(self.tokens, needed)), pieces=pieces)
        counts = out._counts(tokens)
        seen = np.bincount(counts.indices, minlength=len(terms))
        idf = (np.log((1 + len(tokens)) / (1 + seen)) + 1).astype(np.float32)
        out = replace(out, idf=idf)
        basis = _svd(out._weigh(counts), self.svd, generator or np.random.default_rng(0))
        return replace(out, components=basis)

    def _common(self, counts: Counter[str]) -> tuple[str, ...]:
        """Return the most common terms, common first; when nothing is common enough, all there are."""
        kept = [term for term, n in counts.items() if n >= self.min_count] or list(counts)
        return tuple(sorted(kept, key=lambda term: (-counts[term], term))[: self.max_features])

    def _counts(self, tokens: Sequence[Sequence[str]]) -> csr_matrix:
        """Return how often each term stands in each text: (batch, vocabulary)."""
        from scipy.sparse import csr_matrix

        ids: dict[str, int] = self._term_ids  # type: ignore[attr-defined]
        columns: list[int] = []
        values: list[int] = []
        ends = [0]
        for row in tokens:
            counts = Counter(ids[term] for term in _terms(row, self.ngrams, self.pieces) if term in ids)
            columns += (found := sorted(counts))
            values += [counts[i] for i in found]
            ends.append(len(columns))
        data = (np.asarray(values, np.float32), np.asarray(columns, np.int32), np.asarray(ends, np.int32))
        return csr_matrix(data, shape=(len(tokens), len(self.terms)), dtype=np.float32)

    def _weigh(self, counts: csr_matrix) -> csr_matrix:
        """Turn counts into (1 + ln count) · idf, each row of length 1."""
        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        counts.data /= np.sqrt(np.bincount(row, counts.data**2, counts.shape[0])).astype(np.float32)[row]
        return counts

    def sparse(self, texts: Sequence[str]) -> csr_matrix:
        """Return TF-IDF (batch, vocabulary) float32: sublinear counts, smooth idf, rows of length 1.

        A text without a known term gives a row of 0.
        """
        self._check()
        return self._weigh(self._counts([self.tokenise(text or "") for text in texts]))

    def vector(self, texts: Sequence[str]) -> np.ndarray:
        """Return TF-IDF brought down by SVD: (batch, feature) float32, rows of length 1 (or of 0, as `sparse`).

        Latent semantic analysis (Deerwester and others 1990).
        """
        reduced = np.asarray(self.sparse(texts) @ self.components.T, dtype=np.float32)
        norms = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.divide(reduced, norms, out=np.zeros_like(reduced), where=norms > 1e-12)

    def ids(self, texts: Sequence[str]) -> np.ndarray:
        """Return token ids (batch, token) int32: 0 empty place, 1 a word outside the vocabulary. No row is all 0.

        With `pieces` each word is followed by its parts of 2 and 3 letters (Bojanowski and others 2017,
        arXiv:1607.04606).
        """
        self._check()
        known: dict[str, int] = self._word_ids  # type: ignore[attr-defined]
        out = np.full((len(texts), self.length), PAD, np.int32)
        out[:, 0] = UNKNOWN
        for row, text in zip(out, texts, strict=True):
            tokens = self.tokenise(text or "")
            line = [known.get(token, UNKNOWN) for token in (_spell(tokens) if self.pieces else tokens)][: self.length]
            row[: len(line)] = line
        return out

    @property
    def features(self) -> int:
        """Numbers in a row of `vector`."""
        return len(self.components)

    @property
    def vocabulary(self) -> int:
        """Ids that `ids` can give, the empty place and the unknown word included."""
        return len(self.words) + FIRST

    def _check(self) -> None:
        if not self.terms:
            raise RequestError("this text preparation has learned nothing yet; call fitted(texts) first.")

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this object: a dict for JSON and named arrays."""
        arrays = ("idf", "components")
        return (
            {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name not in arrays},
            {name: getattr(self, name) for name in arrays},
        )

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TextPrep:
        """Rebuild what `state` gave. Raises RunError when the parts do not belong together."""
        try:
            learned: dict[str, Any] = {name: tuple(data[name]) for name in ("words", "terms")}
            learned |= {name: np.asarray(arrays[name], np.float32) for name in ("idf", "components")}
            out = cls(**{**data, **learned})
        except (KeyError, TypeError) as error:
            raise RunError(f"the text preparation is damaged: {error}. Fit again.") from None
        n = len(out.terms)
        if out.idf.shape != (n,) or out.components.ndim != 2 or (n and out.components.shape[1] != n):
            raise RunError(
                f"the text preparation is damaged: {n} terms, idf {out.idf.shape}, "
                f"components {out.components.shape}. Fit again."
            )
        return out


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _spell(tokens: Iterable[str]) -> Iterator[str]:
    """Yield each token, and after a word its pieces of 2 and 3 letters, edges marked: ##<se ##sev …"""
    for token in tokens:
        yield token
        if _WORD.match(token) and not _ONE_CHARACTER.match(token):
            edged = f"<{token}>"
            for size in (2, 3):
                yield from (f"##{edged[i : i + size]}" for i in range(len(edged) - size + 1))


def _terms(tokens: Sequence[str], ngrams: int, pieces: bool) -> Iterator[str]:
    """Yield the runs of 1 to ngrams tokens, characters joined without a space, and pieces of words."""
    yield from _spell(tokens) if pieces else tokens
    if ngrams > 1:
        solid = [bool(_ONE_CHARACTER.match(token)) for token in tokens]
        for start in range(len(tokens) - 1):
            run = tokens[start]
            for end in range(start + 1, min(start + ngrams, len(tokens))):
                run += tokens[end] if solid[end - 1] and solid[end] else " " + tokens[end]
                yield run


def _svd(x: csr_matrix, size: int, generator: np.random.Generator) -> np.ndarray:
    """Return the first right singular vectors of x (batch, vocabulary): (feature, vocabulary) float32."""
    size = max(1, min(size, min(x.shape)))
    q = generator.standard_normal((x.shape[1], min(size + 10, min(x.shape)))).astype(np.float32)
    for _ in range(4):
        q = x.T @ np.linalg.qr(x @ q)[0]
    q = np.linalg.qr(q)[0]
    _, _, v = np.linalg.svd(x @ q, full_matrices=False)
    return np.ascontiguousarray((v[:size] @ q.T).astype(np.float32))
