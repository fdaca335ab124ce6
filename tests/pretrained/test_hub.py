"""Encoders of the Hugging Face hub: tiny checkpoints, written here, against transformers called by hand."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from plait.errors import RequestError, RunError
from plait.pretrained.catalogue import restore_frozen
from plait.pretrained.hub import make_hub
from plait.pretrained.towers import quarter_weights

transformers = pytest.importorskip("transformers")

from plait.pretrained.checkpoint import quiet  # noqa: E402

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "cat",
    "dog",
    "red",
    "Red",
    ":",
    "note",
    "我",
    "爱",
    "猫",
    "##s",
]
RATE = 16000


def write_tokenizer(folder: Path, lower: bool) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt"), do_lower_case=lower, model_max_length=20).save_pretrained(
        folder
    )


def write(folder: Path, model, *others) -> Path:
    for part in (model, *others):
        part.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder for each kind of checkpoint, weights drawn at random."""
    t, root = transformers, tmp_path_factory.mktemp("hub")
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(7)
        vit = t.ViTConfig(**SMALL, image_size=32, patch_size=8)
        write(root / "vit", t.ViTModel(vit), t.ViTImageProcessorPil(size={"height": 32, "width": 32}))
        write(root / "bare", t.ViTForImageClassification(vit))
        text = {**SMALL, "vocab_size": len(WORDS), "max_position_embeddings": 20}
        special = {"eos_token_id": 3, "bos_token_id": 2, "pad_token_id": 0}
        clip = t.CLIPConfig(text_config={**text, **special}, vision_config=vit.to_dict(), projection_dim=24)
        prep = t.CLIPImageProcessorPil(size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32})
        write(root / "clip", t.CLIPModel(clip), prep)
        write_tokenizer(root / "clip", lower=True)
        write(
            root / "resnet",
            t.ResNetModel(t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")),
            t.ConvNextImageProcessorPil(size={"shortest_edge": 32}),
        )
        write(root / "bert", t.BertModel(t.BertConfig(**text)))
        write_tokenizer(root / "bert", lower=False)
        gpt = t.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=len(WORDS), n_positions=20)
        write(root / "gpt", t.GPT2Model(gpt))
        write_tokenizer(root / "gpt", lower=False)
        t5 = t.T5Config(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, vocab_size=len(WORDS))
        write(root / "t5", t.T5Model(t5))
        write_tokenizer(root / "t5", lower=False)
        heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_layers": 2, "decoder_layers": 1}
        whisper = t.WhisperConfig(
            **heads, **special, d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=50, num_mel_bins=20,
            max_source_positions=50, max_target_positions=10, decoder_start_token_id=1,
        )  # fmt: skip
        write(root / "whisper", t.WhisperModel(whisper), t.WhisperFeatureExtractor(feature_size=20, chunk_length=1))
        wave = t.Wav2Vec2Config(
            **SMALL, conv_dim=(16, 16, 16), conv_kernel=(10, 3, 3), conv_stride=(5, 4, 4),
            num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
        )  # fmt: skip
        write(root / "wav2vec2", t.Wav2Vec2Model(wave), t.Wav2Vec2FeatureExtractor())
        ast = t.ASTConfig(**SMALL, max_length=64, num_mel_bins=32)
        write(root / "ast", t.ASTModel(ast), t.ASTFeatureExtractor(num_mel_bins=32, max_length=64))
    return root


def picture(height, width, seed=0):
    """A soft picture, with noise of a few levels."""
    x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 2, height))
    colours = np.stack([np.sin(x + y), np.cos(2 * x), np.sin(y * y)], -1) * 100 + 128
    noise = np.random.default_rng(seed).normal(0, 3, colours.shape)
    return Image.fromarray(np.clip(colours + noise, 0, 255).astype(np.uint8))


def sound(seconds, seed=0):
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
    return (0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time) + noise + 0.01).astype(np.float32)


def encode(frozen, *cells):
    return frozen.encode(
        np.stack([frozen.prep(*cell) if isinstance(cell, tuple) else frozen.prep(cell) for cell in cells])
    )


def load(kind, folder):
    with quiet():
        return kind.from_pretrained(folder).eval()


def by_hand(model, **inputs):
    with torch.inference_mode():
        return model(**{name: torch.as_tensor(np.asarray(value)) for name, value in inputs.items()})


def check_batch(frozen, *cells):
    """A cell alone has the features that it has among others."""
    together = encode(frozen, *cells)
    assert together.shape == (len(cells), frozen.tokens, frozen.width) and together.dtype == np.float32
    assert together.std(axis=0).max() > 1e-4
    for k, cell in enumerate(cells):
        np.testing.assert_allclose(encode(frozen, cell)[0], together[k], atol=1e-5)


def test_pictures_of_a_vit_are_what_transformers_makes_of_them(folders):
    frozen = make_hub("image", str(folders / "vit"), {})
    assert (frozen.name, frozen.shape, frozen.dtype) == (f"hf:{folders / 'vit'}", (3, 32, 32), "uint8")
    assert (frozen.tokens, frozen.width, frozen.licence) == (1, 32, "not stated")
    model = load(transformers.ViTModel, folders / "vit")
    for image in (picture(32, 32), picture(50, 44)):  # as large as it should be; and stretched
        pixels = transformers.ViTImageProcessorPil.from_pretrained(folders / "vit")(image)["pixel_values"]
        expected = by_hand(model, pixel_values=np.stack(pixels)).pooler_output
        np.testing.assert_allclose(encode(frozen, image)[:, 0], expected, atol=1e-5)
    check_batch(frozen, picture(32, 32), picture(20, 60, 1), picture(99, 98, 2))


def test_a_folder_is_kept_by_its_full_path(folders, monkeypatch, tmp_path):
    monkeypatch.chdir(folders)
    frozen = make_hub("image", "vit", {})
    assert frozen.name == f"hf:{folders.resolve() / 'vit'}"
    monkeypatch.chdir(tmp_path)
    again = restore_frozen(frozen.describe())
    assert again.key == frozen.key


def test_how_colours_are_scaled_belongs_to_the_features(folders, tmp_path):
    shutil.copytree(folders / "vit", tmp_path / "vit")
    told = tmp_path / "vit" / "preprocessor_config.json"
    settings = json.loads(told.read_text())
    told.write_text(json.dumps({**settings, "image_mean": [0.1, 0.2, 0.3]}))
    one, other = make_hub("image", str(folders / "vit"), {}), make_hub("image", str(tmp_path / "vit"), {})
    assert one.settings != other.settings
    assert one.key != other.key


def test_a_pooler_that_was_never_trained_is_left_out(folders):
    frozen = make_hub("image", str(folders / "bare"), {})  # without settings: stretched, mean and deviation 0.5
    assert frozen.prep.fit == "stretch" and frozen.width == 32
    image = picture(32, 32)
    pixels = (np.asarray(image, np.float32) / 255 - 0.5) / 0.5
    model = load(transformers.ViTForImageClassification, folders / "bare").vit
    expected = by_hand(model, pixel_values=pixels.transpose(2, 0, 1)[None]).last_hidden_state[:, 0]
    np.testing.assert_allclose(encode(frozen, image)[:, 0], expected, atol=1e-5)


def test_pictures_of_clip_are_cut_as_its_processor_does_but_for_the_edges(folders):
    frozen = make_hub("image", str(folders / "clip"), {})
    assert (frozen.shape, frozen.width, frozen.prep.fit, frozen.prep.resample) == ((3, 32, 32), 24, "crop", "bicubic")
    assert frozen.prep.crop == pytest.approx(32 / 36)
    processor = transformers.CLIPImageProcessorPil.from_pretrained(folders / "clip")
    model = load(transformers.CLIPModel, folders / "clip")
    image = picture(90, 126)
    pixels = np.stack(processor(image)["pixel_values"])
    ours = frozen.prep(image)
    theirs = pixels[0] * np.reshape(processor.image_std, (3, 1, 1)) + np.reshape(processor.image_mean, (3, 1, 1))
    assert np.abs(ours - 255 * theirs).mean() < 2  # of 255 levels: cut before the resize, not after
    with torch.inference_mode():
        expected = model.get_image_features(pixel_values=torch.from_numpy(pixels)).pooler_output.numpy()
        own = (ours / 255 - np.reshape(processor.image_mean, (3, 1, 1))) / np.reshape(processor.image_std, (3, 1, 1))
        exact = model.get_image_features(pixel_values=torch.from_numpy(own[None]).float()).pooler_output.numpy()
    found = encode(frozen, image)[:, 0]
    np.testing.assert_allclose(found, exact, atol=1e-5)
    assert np.sum(found * expected) / np.linalg.norm(found) / np.linalg.norm(expected) > 0.99
    check_batch(frozen, picture(32, 32), picture(20, 60, 1))


def test_texts_of_clip_take_its_text_tower(folders):
    frozen = make_hub("text", str(folders / "clip"), {})
    model = load(transformers.CLIPModel, folders / "clip")
    with torch.inference_mode():
        ids = torch.tensor([[2, 5, 8, 6, 3]])  # capitals become small: this tokenizer does it
        expected = model.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids)).pooler_output
    np.testing.assert_allclose(encode(frozen, "a RED cat")[:, 0], expected, atol=1e-5)
    check_batch(frozen, "a cat", "a red dog 我爱猫", "")


def test_a_residual_network_gives_the_mean_over_all_places(folders):
    frozen = make_hub("image", str(folders / "resnet"), {})
    assert (frozen.tokens, frozen.width) == (1, 16) and frozen.prep.crop == pytest.approx(32 / 36)
    image = picture(36, 36)
    processor = transformers.ConvNextImageProcessorPil.from_pretrained(folders / "resnet")
    pixels = np.stack(processor(image)["pixel_values"])
    expected = by_hand(load(transformers.ResNetModel, folders / "resnet"), pixel_values=pixels).last_hidden_state
    np.testing.assert_allclose(encode(frozen, image)[:, 0], expected.mean((2, 3)), atol=1e-3)
    check_batch(frozen, picture(32, 32), picture(20, 60, 1))


def test_texts_of_bert_are_the_mean_over_their_tokens(folders):
    frozen = make_hub("text", str(folders / "bert"), {})
    assert (frozen.shape, frozen.dtype, frozen.width) == ((20,), "int32", 32)
    ids = frozen.prep("<b>a</b> Red cats：我爱狗")
    assert ids[:14].tolist() == [i + 1 for i in (2, 5, 9, 6, 15, 10, 12, 13, 1, 3)] + [0] * 4
    model = load(transformers.BertModel, folders / "bert")
    known = torch.from_numpy(ids[ids > 0]).long()[None] - 1
    expected = by_hand(model, input_ids=known).last_hidden_state.mean(1)
    np.testing.assert_allclose(encode(frozen, "<b>a</b> Red cats：我爱狗")[:, 0], expected, atol=1e-5)
    check_batch(frozen, "a cat", "我爱猫 " * 30, "")
    assert frozen.prep("cat " * 30).tolist() == [3] + [7] * 18 + [4]


def test_columns_of_a_text_are_named_in_words(folders):
    prep = make_hub("text", str(folders / "bert"), {}).prep
    assert prep.clean("\ue000note\ue001 a cat \n \ue000Red\ue001 a dog") == "note: a cat Red: a dog"
    assert make_hub("text", str(folders / "bert"), {"lower": "true", "tokens": "6"}).prep("Red").tolist() == [
        3, 9, 4, 0, 0, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "told, place",
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 32}, 0),
        ({"pooling_mode_lasttoken": True}, 2),
        ({"pooling_mode": "cls"}, 0),
    ],
)
def test_pooling_of_sentence_encoders_is_obeyed(folders, tmp_path, told, place):
    folder = shutil.copytree(folders / "bert", tmp_path / "bert")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps(told))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')
    frozen = make_hub("text", str(folder), {})
    assert frozen.shape == (8,)
    model = load(transformers.BertModel, folder)
    expected = by_hand(model, input_ids=[[2, 6, 3]]).last_hidden_state[:, place]
    np.testing.assert_allclose(encode(frozen, "cat", "a cat a dog")[:1, 0], expected, atol=1e-5)


def test_pooling_unknown_to_us_is_refused(folders, tmp_path):
    folder = shutil.copytree(folders / "bert", tmp_path / "bert")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(RequestError, match="asks for pooling by max_tokens; expected one of mean, cls and last"):
        make_hub("text", str(folder), {})


@pytest.mark.parametrize("name, kind", [("gpt", "GPT2Model"), ("t5", "T5EncoderModel")])
def test_decoders_and_encoders_of_decoders_give_the_mean_over_their_tokens(folders, name, kind):
    frozen = make_hub("text", str(folders / name), {})
    model = load(getattr(transformers, kind), folders / name)
    expected = by_hand(model, input_ids=[[2, 5, 6, 3]]).last_hidden_state.mean(1)
    np.testing.assert_allclose(encode(frozen, "a cat", "a red cat 我")[:1, 0], expected, atol=1e-5)
    check_batch(frozen, "a cat", "我爱猫 " * 30)


def test_sounds_of_whisper_are_its_encoder_over_the_part_with_sound(folders):
    frozen = make_hub("audio", str(folders / "whisper"), {})
    assert (frozen.shape, frozen.dtype, frozen.tokens, frozen.width) == ((16000,), "float32", 4, 32)
    wave = sound(0.48)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(folders / "whisper")
    mels = extractor(wave - wave.mean(), sampling_rate=RATE)["input_features"]  # an offset is no sound
    hidden = by_hand(load(transformers.WhisperModel, folders / "whisper").encoder, input_features=mels)
    own = hidden.last_hidden_state[0, :24]  # 50 frames a second
    found = encode(frozen, (wave[:, None], RATE))[0]
    np.testing.assert_allclose(found, own.reshape(4, 6, 32).mean(1), atol=1e-5)
    check_batch(frozen, (sound(0.3), RATE), (sound(2.5, 1), 8000), (np.zeros(10, np.float32), RATE))


def test_sounds_of_wav2vec2_are_heard_without_what_fills_them(folders):
    frozen = make_hub("audio", str(folders / "wav2vec2"), {"seconds": "0.5"})
    assert (frozen.shape, frozen.tokens, frozen.width) == ((8000,), 4, 32)
    wave = sound(0.3)
    normal = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    hidden = by_hand(load(transformers.Wav2Vec2Model, folders / "wav2vec2"), input_values=normal[None])
    frames = hidden.last_hidden_state[0]
    expected = torch.from_numpy(quarter_weights(len(frames), 1.0)) @ frames
    np.testing.assert_allclose(encode(frozen, (wave, RATE))[0], expected, atol=1e-4)
    check_batch(frozen, (wave, RATE), (sound(2, 1), RATE), (sound(0.3, 2), RATE), (np.zeros(10, np.float32), RATE))


def test_sounds_of_a_spectrogram_transformer_have_one_feature(folders):
    frozen = make_hub("audio", str(folders / "ast"), {})
    assert (frozen.shape, frozen.tokens, frozen.width) == ((10240,), 1, 32)
    wave = sound(0.4)
    mels = transformers.ASTFeatureExtractor.from_pretrained(folders / "ast")(wave, sampling_rate=RATE)["input_values"]
    expected = by_hand(load(transformers.ASTModel, folders / "ast"), input_values=np.stack(mels)).pooler_output
    np.testing.assert_allclose(encode(frozen, (wave, RATE))[:, 0], expected, atol=1e-4)
    check_batch(frozen, (wave, RATE), (sound(2, 1), RATE))


def test_the_user_may_turn_cut_and_filter_first(folders):
    prep = make_hub("image", str(folders / "clip"), {"rotate": "90", "crop": "0.5", "fit": "pad"}).prep
    assert (prep.rotate, prep.crop, prep.fit, prep.height) == (90, 0.5, "pad", 32)
    prep = make_hub("audio", str(folders / "whisper"), {"bandpass": "300,3400", "seconds": "0.5"}).prep
    assert (prep.audio.bandpass, prep.samples) == ((300, 3400), 8000)
    assert [name for name, _, _ in prep.steps(sound(0.1), RATE)] == [
        "as it came",
        "offset taken off",
        "band-pass 300 to 3400 Hz",
    ]


@pytest.mark.parametrize(
    "kind, name, options, said",
    [
        ("image", "vit", {"size": 64}, "image.size is set by the encoder"),
        ("audio", "whisper", {"seconds": 2}, "audio.seconds is 2, but .* takes at most 1 s"),
        ("audio", "whisper", {"sample_rate": 8000}, "audio.sample_rate is set by the encoder"),
        ("text", "bert", {"svd": 3}, "text has no option 'svd'"),
        ("text", "bert", {"tokens": 2}, "text.tokens is 2; expected 4 or more"),
        ("image", "bert", {}, r"bert is an encoder of texts \(model_type bert\), not of pictures"),
        ("text", "wav2vec2", {}, r"an encoder of sounds \(model_type wav2vec2\), not of texts"),
        ("audio", "clip", {}, "an encoder of texts and pictures"),
        ("tabular", "clip", {}, "asked for tabular; expected image, audio or text"),
        ("text", "nowhere/at/all", {}, "there is no folder .*nowhere/at/all"),
    ],
)
def test_wrong_requests(folders, kind, name, options, said):
    with pytest.raises(RequestError, match=said):
        make_hub(kind, str(folders / name), options)


def test_broken_folders_say_how_to_mend_them(folders, tmp_path):
    folder = shutil.copytree(folders / "vit", tmp_path / "vit")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(RequestError, match=r"broken or cut short .*download or copy the file again"):
        make_hub("image", str(folder), {})
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(
        RequestError, match=r"pytorch_model.bin, a pickle, which can run code and is not read; .*convert it"
    ):
        make_hub("image", str(folder), {})
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(RequestError, match=r"there is no model.safetensors"):
        make_hub("image", str(folder), {})
    weights.write_bytes((folders / "bert/model.safetensors").read_bytes())
    with pytest.raises(RequestError, match=r"lack .* parts that config.json .vit. asks for, such as"):
        make_hub("image", str(folder), {}).network
    weights.write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    with pytest.raises(RequestError, match=r"the weights in .* cannot be loaded"):
        make_hub("image", str(folder), {}).network
    (folder / "config.json").write_text(json.dumps(config | {"image_size": 48}))
    with pytest.raises(RequestError, match=r"whose settings agree with its weights|cannot be loaded"):
        make_hub("image", str(folder), {})
    own = {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}
    (folder / "config.json").write_text(json.dumps(own))
    with pytest.raises(RequestError, match=r"no encoder of model_type 'mine'.*code of its own, which plait never runs"):
        make_hub("image", str(folder), {})
    (folder / "config.json").write_text("{")
    with pytest.raises(RequestError, match=r"config.json is not JSON"):
        make_hub("image", str(folder), {})
    (folder / "config.json").unlink()
    with pytest.raises(RequestError, match=r"there is no config.json in"):
        make_hub("image", str(folder), {})


def test_a_text_folder_without_a_tokenizer(folders, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folders / "bert" / name, tmp_path / name)
    with pytest.raises(RequestError, match=r"no tokenizer can be made from .*; expected tokenizer.json"):
        make_hub("text", str(tmp_path), {})


def test_a_sound_folder_without_settings(folders, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folders / "wav2vec2" / name, tmp_path / name)
    with pytest.raises(
        RequestError, match=r"no feature extractor of sounds can be made from .*preprocessor_config.json"
    ):
        make_hub("audio", str(tmp_path), {})


def test_a_folder_needs_no_network_says_nothing_and_draws_nothing(folders, monkeypatch, capfd):
    def refuse(*_args, **_keywords):
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket, "socket", refuse)
    before, level = torch.get_rng_state(), transformers.utils.logging.get_verbosity()
    bars = transformers.utils.logging.is_progress_bar_enabled()
    for kind, name in (("image", "bare"), ("text", "bert"), ("audio", "whisper")):
        frozen = make_hub(kind, str(folders / name), {})
        frozen.encode(np.ones((2, *frozen.shape), frozen.dtype))
    assert capfd.readouterr() == ("", "")
    assert torch.equal(torch.get_rng_state(), before)
    assert transformers.utils.logging.get_verbosity() == level
    assert transformers.utils.logging.is_progress_bar_enabled() == bars


def test_a_name_is_looked_for_in_the_cache_then_at_the_hub(folders, tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def refuse(place, **_keywords):
        asked.append(place)
        raise OSError("no network here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    said = "someone/vit is no folder here, not in the hub cache .*no network here.*hf download someone/vit"
    with pytest.raises(RequestError, match=said):
        make_hub("image", "someone/vit", {})
    assert asked == ["someone/vit"]
    with pytest.raises(RequestError, match="neither a folder nor a name at the hub"):
        make_hub("image", "some one", {})
    kept = tmp_path / "models--someone--vit"
    shutil.copytree(folders / "vit", kept / "snapshots/0a1b")
    (kept / "refs").mkdir()
    (kept / "refs/main").write_text("0a1b")
    frozen = make_hub("image", "someone/vit", {})
    assert (frozen.name, frozen.origin) == ("hf:someone/vit", "someone/vit at huggingface.co, revision 0a1b")
    assert asked == ["someone/vit"]


def test_the_run_folder_is_told_of_it_in_json_and_it_can_be_made_again(folders):
    cells = {"image": picture(40, 50), "text": "a Red cat", "audio": (sound(0.3), RATE)}
    for kind, name, options in (
        ("image", "clip", {"rotate": 90}),
        ("text", "bert", {"lower": True, "tokens": 8}),
        ("audio", "whisper", {"bandpass": (300, 3400), "seconds": 0.5}),
    ):
        place = str(folders / name)
        frozen = make_hub(kind, place, options)
        told = json.loads(json.dumps(frozen.describe()))
        assert told["origin"] == str((folders / name).resolve()) and len(told["weights"]) == 64
        assert make_hub(kind, place, {}).key != frozen.key
        again = restore_frozen(told)
        assert again.key == frozen.key and again.describe() == frozen.describe()
        assert again.prep == frozen.prep
        cell = cells[kind] if isinstance(cells[kind], tuple) else (cells[kind],)
        np.testing.assert_array_equal(again.prep(*cell), frozen.prep(*cell))
        with pytest.raises(RunError, match=r"the weights of 'hf:.*' .* are not those this run was fitted with .*fit"):
            restore_frozen(told | {"weights": "0"})
        with pytest.raises(RunError, match=r"says of the encoder 'hf:.*' is damaged: .* Fit again"):
            restore_frozen(told | {"prep": {"samples": 3, "high": 9}})


@pytest.mark.parametrize(
    "kind, name, blocks",
    [("image", "vit", 3), ("image", "clip", 3), ("image", "resnet", 3), ("text", "bert", 3), ("audio", "whisper", 3)],
)
def test_blocks_run_from_the_input_to_the_last_layer_with_all_after_it(folders, kind, name, blocks):
    network = make_hub(kind, str(folders / name), {}).network
    assert len(network.blocks) == blocks
    parts = [{id(p) for p in block.parameters()} for block in network.blocks]
    assert all(parts) and sum(len(part) for part in parts) == len(set().union(*parts))
    outside = {id(p) for p in network.parameters()} - set().union(*parts)
    assert len(outside) <= 1  # of CLIP the temperature, which no feature depends on
    if name == "clip":
        assert id(network.model.visual_projection.weight) in parts[-1]
        assert network.model.text_model is None
