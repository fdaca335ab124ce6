"""A pretrained encoder: how many cells go through it at a time, what its features depend on, which parts are tuned."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from means import Means, frozen
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.frozen import hash_settings, hash_state, last_blocks, quick_products


def test_too_many_at_a_time_for_the_memory_become_fewer() -> None:
    network = Means(room=10)
    inputs = np.arange(40, dtype=np.uint8).repeat(4).reshape(40, 1, 2, 2)
    assert frozen(network).encode(inputs)[:, 0, 0].tolist() == list(range(40))
    assert network.seen == [8] * 5
    with pytest.raises(torch.OutOfMemoryError):
        frozen(Means(room=0)).encode(inputs)


def test_a_gpu_gets_more_at_a_time_but_no_more_than_fits() -> None:
    usual = frozen(Means(), shape=(3, 224, 224))
    assert (usual.batch_size("cpu"), usual.batch_size("cuda")) == (32, 256)
    large = replace(usual, shape=(3, 1024, 1024))  # 3 MiB each
    assert (large.batch_size("cpu"), large.batch_size("cuda:0")) == (32, 32)
    middle = replace(usual, shape=(1, 1024, 1024))
    assert middle.batch_size("cuda") == 64
    assert replace(middle, dtype="float16").batch_size("cuda") == 32


def test_cells_go_through_in_order_and_none_of_them_gives_none() -> None:
    network = Means()
    inputs = np.arange(70, dtype=np.uint8).repeat(4).reshape(70, 1, 2, 2)
    found = frozen(network).encode(inputs)
    assert (found.shape, found.dtype) == ((70, 1, 1), np.float32)
    assert found[:, 0, 0].tolist() == list(range(70))
    assert network.seen == [32, 32, 6]
    assert frozen(network).encode(inputs[:0]).shape == (0, 1, 1)


def test_the_network_is_for_use_only_and_another_one_can_be_tuned() -> None:
    encoder = frozen(Means(), load=lambda: nn.Linear(2, 1), trainable=lambda: nn.Linear(2, 1))
    assert encoder.network is encoder.network
    assert not encoder.network.training
    assert not any(p.requires_grad for p in encoder.network.parameters())
    tuned = encoder.new_network()
    assert not tuned.training
    assert all(p.requires_grad for p in tuned.parameters())
    assert tuned is not encoder.new_network()


def test_the_network_is_not_loaded_before_it_is_asked_for() -> None:
    asked: list[str] = []

    def load() -> nn.Module:
        asked.append("load")
        return Means()

    encoder = frozen(Means(), load=load)
    encoder.describe()
    assert (encoder.key, asked) == (frozen(Means()).key, [])
    encoder.encode(np.zeros((1, 1, 2, 2), np.uint8))
    encoder.encode(np.zeros((1, 1, 2, 2), np.uint8))
    assert asked == ["load"]


@pytest.mark.parametrize(
    "change",
    [
        {"weights": "v"}, {"tokens": 2}, {"width": 3}, {"settings": "s"},
        {"prep": ImagePrep(mode="L", height=2, width=2, rotate=90)},
    ],
)  # fmt: skip
def test_features_depend_on_weights_preparation_and_settings(change: dict[str, object]) -> None:
    assert frozen(Means(), **change).key != frozen(Means()).key


def test_features_of_a_text_are_not_those_of_a_picture() -> None:
    class Told(ImagePrep):  # a preparation of texts with the same options
        KIND = "text"

    told = frozen(Means(), prep=Told(mode="L", height=2, width=2))
    assert (told.kind, told.prep.to_json()) == ("text", frozen(Means()).prep.to_json())
    assert told.key != frozen(Means()).key


@pytest.mark.parametrize("change", [{"origin": "elsewhere"}, {"licence": "MIT"}])
def test_features_do_not_depend_on_where_the_weights_are_from(change: dict[str, object]) -> None:
    assert frozen(Means(), **change).key == frozen(Means()).key


def test_what_a_run_says_of_it_is_json() -> None:
    told = json.loads(json.dumps(frozen(Means()).describe()))
    assert (told["name"], told["kind"], told["shape"], told["dtype"]) == ("means", "image", [1, 2, 2], "uint8")
    assert (told["weights"], told["origin"], told["licence"], told["settings"]) == ("w", "here", "none", "")
    assert ImagePrep.from_json(told["prep"]) == ImagePrep(mode="L", height=2, width=2)


def test_settings_are_told_apart_but_not_by_their_order() -> None:
    known = hashlib.sha256(b'{"a": 1, "b": [2.5, null]}').hexdigest()
    assert hash_settings({"b": (2.5, None), "a": 1}) == known
    assert hash_settings({"a": 1, "b": [2.5, False]}) != known
    assert hash_settings({"a": Means}) != hash_settings({"a": nn.Linear})  # what JSON cannot tell


def test_weights_are_told_apart_by_name_type_shape_and_value_but_not_by_their_order() -> None:
    state = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([[3], [4]])}
    assert hash_state(dict(reversed(state.items()))) == hash_state(state)
    assert hash_state({"a": torch.tensor([1.0, 0.0, 2.0])[::2], "b": state["b"]}) == hash_state(state)
    others = [
        {"a": state["a"], "c": state["b"]},
        {"a": state["a"], "b": state["b"].T},
        {"a": state["a"], "b": state["b"].to(torch.int32)},
        {"a": state["a"].flip(0), "b": state["b"]},
        {"a": state["a"]},
    ]
    assert len({hash_state(other) for other in (state, *others)}) == 6


def test_scalars_and_bfloat16_have_a_hash() -> None:
    one = hash_state({"a": torch.tensor(1.0), "b": torch.ones(2, dtype=torch.bfloat16)})
    assert one != hash_state({"a": torch.tensor(1.0), "b": torch.zeros(2, dtype=torch.bfloat16)})


@pytest.mark.parametrize(
    ("how", "tuned"), [("full", [0, 1, 2]), ("last-1", [2]), ("last-2", [1, 2]), ("last-9", [0, 1, 2])]
)
def test_the_last_blocks_are_tuned(how: str, tuned: list[int]) -> None:
    network = nn.Module()
    network.blocks = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)])
    assert last_blocks(network, how) == [network.blocks[place] for place in tuned]


def test_on_a_cpu_products_keep_their_precision() -> None:
    before = torch.get_float32_matmul_precision()
    with quick_products("cpu"):
        assert torch.get_float32_matmul_precision() == before
    with quick_products("cuda"):  # a setting of the process, which needs no GPU
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == before
    with pytest.raises(ValueError, match="in the midst"), quick_products("cuda"):
        raise ValueError("in the midst")
    assert torch.get_float32_matmul_precision() == before
