"""Whisper through faster-whisper, with a tiny model of random weights made here: what it says means nothing."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from plait.converters.whisper import Whisper, join_segments
from plait.errors import CellError, RequestError

NAMED = ["<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"]
NAMED += ["<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
DIM = 16


def fill(part: object, generator: np.random.Generator, **shapes: tuple[int, ...]) -> None:
    """Give a part of the model random weights; scales of norms are about 1 and all else is small."""
    for name, shape in shapes.items():
        values = generator.normal(0, 0.3, shape)
        setattr(part, name, (values + (name == "gamma")).astype(np.float32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of one layer: 80 mels, 16 dims, and a token for each of the 256 bytes."""
    specs = pytest.importorskip("ctranslate2.specs")
    tokenizers = pytest.importorskip("tokenizers")
    pytest.importorskip("faster_whisper")
    rng = np.random.default_rng(0)
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, "<|endoftext|>", *NAMED, *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]
    spec = specs.WhisperSpec(1, 2, 1, 2)
    encoder, decoder = spec.encoder, spec.decoder
    fill(encoder.conv1, rng, weight=(DIM, 80, 3), bias=(DIM,))
    fill(encoder.conv2, rng, weight=(DIM, DIM, 3), bias=(DIM,))
    fill(encoder.position_encodings, rng, encodings=(1500, DIM))
    fill(decoder.position_encodings, rng, encodings=(448, DIM))
    fill(decoder.embeddings, rng, weight=(len(tokens), DIM))
    fill(decoder.projection, rng, weight=(len(tokens), DIM))
    for side in (encoder, decoder):
        fill(side.layer_norm, rng, gamma=(DIM,), beta=(DIM,))
        layer = side.layer[0]
        for norm in (layer.self_attention, layer.ffn, *([layer.attention] if side is decoder else [])):
            fill(norm.layer_norm, rng, gamma=(DIM,), beta=(DIM,))
        fill(layer.self_attention.linear[0], rng, weight=(3 * DIM, DIM), bias=(3 * DIM,))
        fill(layer.self_attention.linear[1], rng, weight=(DIM, DIM), bias=(DIM,))
        fill(layer.ffn.linear_0, rng, weight=(2 * DIM, DIM), bias=(2 * DIM,))
        fill(layer.ffn.linear_1, rng, weight=(DIM, 2 * DIM), bias=(DIM,))
    attention = decoder.layer[0].attention
    fill(attention.linear[0], rng, weight=(DIM, DIM), bias=(DIM,))
    fill(attention.linear[1], rng, weight=(2 * DIM, DIM), bias=(2 * DIM,))
    fill(attention.linear[2], rng, weight=(DIM, DIM), bias=(DIM,))
    spec.register_vocabulary(tokens)
    number = {token: i for i, token in enumerate(tokens)}
    spec.config.lang_ids = [number["<|en|>"], number["<|zh|>"]]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [number["<|endoftext|>"]]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.optimize()
    made = tmp_path_factory.mktemp("tiny-whisper")
    spec.save(str(made))
    words = tokenizers.Tokenizer(tokenizers.models.BPE({t: i for t, i in number.items() if i < len(letters)}, []))
    words.decoder = tokenizers.decoders.ByteLevel()
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.add_special_tokens(tokens[len(letters) :])
    words.save(str(made / "tokenizer.json"))
    return made


def hum(seconds: float, rate: int = 16000) -> tuple[np.ndarray, int]:
    time = np.arange(int(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 220 * time) * (1 + np.sin(9 * time)) / 2).astype(np.float32), rate


def test_it_hears_something_the_same_each_time(folder: Path) -> None:
    whisper = Whisper(model=str(folder), language="en", beam=2)
    texts, sure = whisper([hum(1.0), hum(0.7, 8000), (np.zeros(16000, np.float32), 16000), (np.zeros(0), 16000)])
    assert all(isinstance(text, str) for text in texts)
    assert any(texts)
    assert (texts[2:], sure[2:]) == (["", ""], [0.0, 0.0])
    assert all(0 <= share < 0.9 for share in sure)  # random weights are sure of nothing
    assert whisper([hum(1.0), hum(0.7, 8000)]) == (texts[:2], sure[:2])
    assert whisper.version.startswith("faster-whisper ")
    assert whisper.version.endswith(f" with {folder.name}")


def test_the_language_is_guessed_or_checked(folder: Path) -> None:
    assert len(Whisper(model=str(folder), beam=1)([hum(0.5)])[0]) == 1
    with pytest.raises(RequestError, match=r"whisper.language is 'xx'"):
        Whisper(model=str(folder), language="xx")([hum(0.5)])


def test_bad_sounds_are_cells_and_not_errors(folder: Path) -> None:
    whisper = Whisper(model=str(folder))
    (nan, words), sure = whisper([(np.full(1600, np.nan, np.float32), 16000), "hello"])
    assert isinstance(nan, CellError) and nan.fault == "not-finite"
    assert isinstance(words, CellError) and words.fault == "wrong-kind"
    assert sure == [0.0, 0.0]


def test_a_folder_says_which_files_are_missing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RequestError, match=r"lacks model.bin, tokenizer.json, vocabulary.json"):
        Whisper(model=str(tmp_path))
    with pytest.raises(RequestError, match="there is no folder"):
        Whisper(model=str(tmp_path / "none"))
    for name in ("model.bin", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(RequestError, match="cannot be used on cpu"):
        Whisper(model=str(tmp_path))([hum(0.5)])
    assert json.loads((folder / "config.json").read_text())["lang_ids"]


def test_no_model_and_none_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faster_whisper")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(RequestError, match=r"give whisper.model=FOLDER"):
        Whisper()([hum(0.5)])
    with pytest.raises(
        RequestError, match=r"run: hf download Systran/faster-whisper-tiny; or give whisper.model=FOLDER"
    ):
        Whisper(model="tiny")([hum(0.5)])
    with pytest.raises(RequestError, match="run: hf download some/model"):
        Whisper(model="some/model")([hum(0.5)])


def test_options_are_checked() -> None:
    assert Whisper().missing == "whisper.model=FOLDER, a Whisper model converted for CTranslate2"
    assert Whisper.of({"beam": "3", "language": "zh"}) == Whisper(beam=3, language="zh")
    with pytest.raises(RequestError, match=r"whisper.beam is 0; expected 1 to 100"):
        Whisper(beam=0)
    with pytest.raises(RequestError, match="Did you mean 'cuda'"):
        Whisper(device="cudo")


def test_confidence_counts_segments_by_their_tokens() -> None:
    sure = SimpleNamespace(text=" one", tokens=[1], avg_logprob=0.0, no_speech_prob=0.0)
    unsure = SimpleNamespace(text=" two three", tokens=[1, 2, 3], avg_logprob=float(np.log(0.5)), no_speech_prob=0.5)
    text, share = join_segments([sure, unsure])
    assert text == "one two three"
    assert share == pytest.approx((1 + 3 * 0.25) / 4)
    assert join_segments([]) == ("", 0.0)
