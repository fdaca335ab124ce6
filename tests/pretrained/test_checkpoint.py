"""The folder of a checkpoint: what is in it, what counts as its weights, and how to mend a broken one."""

import json
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from plait.errors import RequestError
from plait.pretrained.checkpoint import find_checkpoint, quiet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as save_pretrained writes it, with two numbers for weights."""
    folder = tmp_path / "vit"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "vit"}')
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5]}')
    save_file({"a": torch.tensor([1.0, 2.0])}, folder / "model.safetensors")
    return folder


def test_a_folder_is_found_with_its_files(folder: Path) -> None:
    found = find_checkpoint(str(folder))
    assert (found.place, found.folder, found.origin) == (str(folder), folder, str(folder.resolve()))
    assert len(found.weights) == 64
    assert found.settings("config.json") == {"model_type": "vit"}
    assert found.settings("tokenizer_config.json") == {}


def test_what_the_network_is_given_counts_as_its_weights(folder: Path) -> None:
    bare = find_checkpoint(str(folder))
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\nA model.\n")
    first = find_checkpoint(str(folder))
    assert first.licence == "apache-2.0"
    assert first.weights == bare.weights
    settings = folder / "preprocessor_config.json"
    settings.write_text(settings.read_text().replace("0.5", "0.4"))
    assert find_checkpoint(str(folder)).weights != first.weights


def test_other_weights_and_another_pooling_make_another_hash(folder: Path) -> None:
    hashes = {find_checkpoint(str(folder)).weights}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text('{"pooling_mode": "cls"}')
    hashes.add(find_checkpoint(str(folder)).weights)
    save_file({"a": torch.tensor([1.0, 3.0])}, folder / "model.safetensors")
    hashes.add(find_checkpoint(str(folder)).weights)
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        ("---\nlicense: 'mit'\n---\n", "mit"),
        ("---\ntags:\n- a\nlicense: cc-by-4.0\n---", "cc-by-4.0"),
        ("---\nlicense:\n---\n", "not stated"),
        ("---\ntags: a\n---\nlicense: mit\n", "not stated"),  # of the text, not of the front matter
        ("license: mit\n", "not stated"),
        ("", "not stated"),
    ],
)
def test_the_licence_is_that_of_the_front_matter(folder: Path, readme: str, licence: str) -> None:
    (folder / "README.md").write_text(readme)
    assert find_checkpoint(str(folder)).licence == licence


def test_weights_in_several_files_are_those_that_the_index_names(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-2.safetensors")
    save_file({"b": torch.tensor([3.0])}, folder / "model-1.safetensors")
    save_file({"c": torch.tensor([4.0])}, folder / "model-3.safetensors")
    index = {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors", "d": "model-1.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    weights = find_checkpoint(str(folder)).weights
    for name, counts in (("model-3", False), ("model-1", True), ("model-2", True)):
        save_file({name: torch.tensor([6.0])}, folder / f"{name}.safetensors")
        before, weights = weights, find_checkpoint(str(folder)).weights
        assert (weights != before) == counts
    (folder / "model-1.safetensors").unlink()
    with pytest.raises(RequestError, match=r"model-1.safetensors is named in the index, but is not in .*; copy it too"):
        find_checkpoint(str(folder))


def test_an_index_cannot_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "other.safetensors")
    index = {"weight_map": {"a": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RequestError, match=r"other.safetensors is named in the index, but is not in"):
        find_checkpoint(str(folder))


def test_a_pickle_is_never_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(RequestError, match=r"pytorch_model.bin, a pickle, which can run code and is not read"):
        find_checkpoint(str(folder))


def test_weights_that_were_cut_short_are_told(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(RequestError, match=r"model.safetensors is broken or cut short"):
        find_checkpoint(str(folder))


@pytest.mark.parametrize(
    ("text", "said"), [("{", "config.json is not JSON"), ("[1]", "config.json holds no JSON object")]
)
def test_broken_settings_are_told(folder: Path, text: str, said: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(RequestError, match=said):
        find_checkpoint(str(folder))


@pytest.mark.parametrize("place", ["/no/such/folder", "./none", "~/no such folder", "a/b/c", "a\\b"])
def test_what_can_only_be_a_folder_is_not_asked_for_at_the_hub(place: str) -> None:
    with pytest.raises(
        RequestError, match=r"there is no folder .*; expected one with config.json and model.safetensors"
    ):
        find_checkpoint(place)


def test_quiet_ends_with_its_block_also_where_it_fails() -> None:
    logging = pytest.importorskip("transformers").utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_info()
    try:
        with pytest.raises(RuntimeError, match="in the midst"), quiet():
            warnings.warn("nobody hears this", stacklevel=1)
            assert logging.get_verbosity() == logging.ERROR
            assert not logging.is_progress_bar_enabled()
            raise RuntimeError("in the midst")
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(level)
