"""What goes into a checkpoint, kind by kind: preparation, shape of a cell, and how its tower is to be built."""

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plait.errors import RequestError
from plait.pretrained import checkpoint, entries
from plait.pretrained.checkpoint import Checkpoint
from plait.pretrained.entries import ENTRIES


class Tokenizer:
    """Ten words, of which one is special."""

    all_special_tokens = ("[PAD]",)
    model_max_length = 20

    def __init__(self, pad_token_id: int | None = None) -> None:
        self.pad_token_id = pad_token_id

    def __len__(self) -> int:
        return 10


class Extractor:
    def __init__(self, **told: Any) -> None:
        self.told = {"sampling_rate": 8000, **told}
        vars(self).update(self.told)

    def to_dict(self) -> dict[str, Any]:
        return self.told


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let objects stand for what transformers, which takes seconds to import, makes of a folder."""

    def put(**objects: Any) -> None:
        def loader(thing: Any) -> Any:
            def from_pretrained(*_given: Any, **_options: Any) -> Any:
                if isinstance(thing, Exception):
                    raise thing
                return thing

            return SimpleNamespace(from_pretrained=from_pretrained)

        classes = {name: loader(thing) for name, thing in objects.items()}
        monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(**classes))

    monkeypatch.setattr(checkpoint, "quiet", nullcontext)
    return put


def read(kind: str, folder: Path, config: Any, options: Mapping[str, Any] | None = None) -> entries.Given:
    return ENTRIES[kind].read(Checkpoint("here", folder, "here", "none", "w"), config, options or {})


def text_config(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"model_type": "bert", "pad_token_id": None, "vocab_size": 10, **more})


# pictures


def test_of_pictures_size_and_colours_come_from_the_checkpoint(tmp_path: Path) -> None:
    given = read("image", tmp_path, SimpleNamespace(image_size=(32, 48)), {"rotate": "90"})
    assert (given.shape, given.dtype) == ((3, 32, 48), "uint8")
    assert given.settings["scale"] == pytest.approx((2 / 255,) * 3)
    assert (given.settings["offset"], given.settings["backwards"]) == ((-1.0, -1.0, -1.0), False)
    assert given.prep.from_json(json.loads(json.dumps(given.prep.to_json()))) == given.prep
    assert given.prep.rotate == 90


# texts


@pytest.mark.parametrize(
    ("told", "how"),
    [
        (None, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True, "include_prompt": True}, "last"),
        ({"pooling_mode": "mean", "word_embedding_dimension": 8}, "mean"),
    ],
)
def test_a_text_is_pooled_as_the_checkpoint_asks(tmp_path: Path, stand: Any, told: Any, how: str) -> None:
    stand(AutoTokenizer=Tokenizer())
    if told is not None:
        (tmp_path / "1_Pooling").mkdir()
        (tmp_path / "1_Pooling/config.json").write_text(json.dumps(told))
    given = read("text", tmp_path, text_config())
    assert given.build.keywords == {"how": how, "padding": 0, "full": False}
    assert (given.shape, given.dtype, given.settings) == ((20,), "int32", {})


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls_token, mean_tokens"),
    ],
)
def test_another_pooling_or_more_than_one_is_refused(tmp_path: Path, stand: Any, told: Any, named: str) -> None:
    stand(AutoTokenizer=Tokenizer())
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(told))
    with pytest.raises(RequestError, match=f"asks for pooling by {named}; expected one of mean, cls and last token"):
        read("text", tmp_path, text_config())


@pytest.mark.parametrize(
    ("own", "config", "padding"),
    [(3, text_config(pad_token_id=4), 3), (None, text_config(pad_token_id=4), 4), (10, text_config(pad_token_id=4), 4),
     (None, text_config(), 0), (-1, text_config(pad_token_id=12), 0),
     (None, SimpleNamespace(model_type="x", text_config=text_config(pad_token_id=5)), 5)],
)  # fmt: skip
def test_a_text_is_filled_with_an_id_that_the_network_has(
    tmp_path: Path, stand: Any, own: int | None, config: Any, padding: int
) -> None:
    stand(AutoTokenizer=Tokenizer(own))
    assert read("text", tmp_path, config).build.keywords["padding"] == padding


def test_siglip_was_trained_on_texts_of_full_length_which_is_no_option(tmp_path: Path, stand: Any) -> None:
    stand(AutoTokenizer=Tokenizer())
    config = text_config(model_type="siglip")
    assert read("text", tmp_path, config).build.keywords == {"how": "pooler", "padding": 0, "full": True}
    with pytest.raises(RequestError, match=r"text\.tokens is set by the encoder here; leave the option out"):
        read("text", tmp_path, config, {"tokens": 8})
    assert read("text", tmp_path, text_config(), {"tokens": 8}).shape == (8,)


# sounds


@pytest.mark.parametrize(
    ("told", "samples"),
    [({"chunk_length": 3}, 24000), ({"max_length_s": 0.5}, 4000), ({"max_length": 64}, 5120), ({}, 80000)],
)
def test_a_sound_is_as_long_as_the_network_takes_else_ten_seconds(
    tmp_path: Path, stand: Any, told: dict[str, Any], samples: int
) -> None:
    stand(AutoFeatureExtractor=Extractor(**told))
    given = read("audio", tmp_path, SimpleNamespace())
    assert (given.shape, given.dtype) == ((samples,), "float32")
    assert given.settings == {"sampling_rate": 8000, **told}
    assert given.build.keywords["rate"] == given.prep.audio.sample_rate == 8000
    assert given.prep.from_json(json.loads(json.dumps(given.prep.to_json()))) == given.prep


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        (OSError("no such file\nand more"), "no such file"),
        (Extractor(sampling_rate=None), "it states no sampling_rate"),
    ],
)
def test_without_a_feature_extractor_it_says_which_file_is_needed(
    tmp_path: Path, stand: Any, thing: Any, why: str
) -> None:
    stand(AutoFeatureExtractor=thing)
    with pytest.raises(RequestError, match=rf"here: no feature extractor .*\({why}\); .*preprocessor_config\.json"):
        read("audio", tmp_path, SimpleNamespace())
