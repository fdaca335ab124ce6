"""The networks inside checkpoints: parts in order, and features pooled as the checkpoint was trained."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.errors import RequestError
from plait.pretrained.cells import Colours
from plait.pretrained.towers import (
    PictureTower,
    SoundTower,
    TextTower,
    is_joint,
    pick_tower,
    quarter_weights,
    split_blocks,
)

# quarters


def test_quarters_of_a_sound_keep_its_order() -> None:
    assert quarter_weights(8, 1.0).tolist()[0] == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert quarter_weights(8, 0.5).argmax(1).tolist() == [0, 1, 2, 3]
    assert quarter_weights(3, 1.0).astype(bool).tolist() == [
        [True, False, False], [True, True, False], [False, True, True], [False, False, True],
    ]  # fmt: skip
    assert quarter_weights(5, 0.0)[:, 0].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("frames", [1, 3, 4, 7, 50])
def test_every_quarter_is_a_mean_and_every_frame_is_in_one(frames: int) -> None:
    weights = quarter_weights(frames, 1.0)
    assert weights.sum(1) == pytest.approx(np.ones(4))
    assert (weights.sum(0) > 0).all()


# parts


def sized(*sizes: int) -> nn.ModuleList:
    return nn.ModuleList([nn.Linear(size, 1) for size in sizes])


def numbers(part: nn.Module) -> int:
    return sum(p.numel() for p in part.parameters())


class Encoder(nn.Module):
    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.first = nn.Linear(4, 1)
        self.layers = layers
        self.silent = nn.Dropout()
        self.norm = nn.Linear(6, 1)


class Whole(nn.Module):
    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.embed = nn.Linear(2, 1)
        self.encoder = Encoder(layers)
        self.pooler = nn.Linear(8, 1)


def test_parts_are_what_comes_before_each_layer_and_the_last_with_all_after_it() -> None:
    whole = Whole(sized(10, 20, 30))
    parts = split_blocks(whole)
    assert [numbers(part) for part in parts] == [3 + 5, 11, 21, 31 + 7 + 9]
    assert sum(map(numbers, parts)) == numbers(whole)
    assert parts[1] is whole.encoder.layers[0]


def test_layers_are_the_largest_outermost_list() -> None:
    inner = Whole(nn.ModuleList([sized(50, 50), sized(60, 60)]))  # a list in a list is part of a layer
    assert len(split_blocks(inner)) == 3
    inner.others = sized(1, 1, 1)
    assert len(split_blocks(inner)) == 3


def test_a_network_without_layers_is_one_part() -> None:
    plain = nn.Sequential(nn.Linear(2, 2))
    assert split_blocks(plain) == [plain]
    only = nn.Module()
    only.layers = sized(3, 3)
    assert split_blocks(only) == list(only.layers)


# which part of a checkpoint


class Joint(nn.Module):
    def __init__(self, *towers: str) -> None:
        super().__init__()
        self.config = SimpleNamespace(is_encoder_decoder=False, **{f"{tower}_config": {} for tower in towers})
        self.text_model, self.vision_model = nn.Linear(2, 2), nn.Linear(2, 2)

    def get_image_features(self, pixel_values: Tensor) -> Any:
        return SimpleNamespace(pooler_output=pixel_values.mean((2, 3)))


def test_a_network_of_several_kinds_keeps_what_this_kind_needs() -> None:
    joint = Joint("text", "vision")
    assert is_joint(joint, "image")
    assert not is_joint(joint, "text")  # it gives no features of texts
    assert not is_joint(Joint("vision"), "image")
    assert pick_tower(joint, "image", ["text_model"]) is joint
    assert joint.text_model is None
    assert isinstance(joint.vision_model, nn.Linear)


def test_of_an_encoder_with_a_decoder_the_encoder_is_taken() -> None:
    model: Any = nn.Module()
    model.config = SimpleNamespace(is_encoder_decoder=True)
    model.get_encoder = lambda: "the encoder"
    assert pick_tower(model, "text", []) == "the encoder"


# pooling


class Told(nn.Module):
    """A network that answers what a function makes of its input."""

    def __init__(self, function: Any, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(is_encoder_decoder=False, **config)
        self.weight = nn.Parameter(torch.zeros(1))
        self.function = function

    def forward(self, **inputs: Tensor) -> Any:
        return self.function(**inputs)


def hidden_of(input_ids: Tensor, attention_mask: Tensor | None = None) -> Any:
    """Answer for each token its id, and whether it may be looked at."""
    looked = torch.ones_like(input_ids) if attention_mask is None else attention_mask
    return SimpleNamespace(last_hidden_state=torch.stack([input_ids, looked], 2).float())


@pytest.mark.parametrize(
    ("how", "expected"),
    [("mean", [[20.0, 1.0], [8.0, 1.0]]), ("cls", [[10.0, 1], [8.0, 1]]), ("last", [[30.0, 1], [8.0, 1]])],
)
def test_a_text_is_pooled_over_its_own_tokens(how: str, expected: list[list[float]]) -> None:
    tower = TextTower(Told(hidden_of), how, padding=99)
    ids = torch.tensor([[11, 21, 31, 0], [9, 0, 0, 0]], dtype=torch.int32)  # each id + 1
    assert tower(ids)[:, 0].tolist() == expected


def test_a_text_is_given_no_longer_than_the_longest_of_its_batch_and_filled_with_the_padding() -> None:
    seen: list[Any] = []

    def answer(**inputs: Tensor) -> Any:
        seen.append({name: x.tolist() for name, x in inputs.items()})
        return hidden_of(**inputs)

    TextTower(Told(answer), "mean", padding=99)(torch.tensor([[11, 21, 0, 0], [0, 0, 0, 0]]))
    assert seen == [{"input_ids": [[10, 20], [99, 99]], "attention_mask": [[1, 1], [1, 0]]}]
    TextTower(Told(answer), "mean", padding=99, full=True)(torch.tensor([[11, 21, 0, 0]]))
    assert seen[1:] == [{"input_ids": [[10, 20, 99, 99]]}]


def test_a_text_without_a_token_is_zeros() -> None:
    found = TextTower(Told(hidden_of), "mean", padding=99)(torch.zeros(1, 4, dtype=torch.int32))
    assert found.tolist() == [[[0.0, 0.0]]]


def test_a_network_without_a_pooler_cannot_be_asked_for_one() -> None:
    with pytest.raises(RequestError, match="this network does not give one feature for a text"):
        TextTower(Told(hidden_of), "pooler", padding=0)(torch.tensor([[1, 2]]))


COLOURS = Colours((0.5, 1.0, 2.0), (0.0, -1.0, 10.0))
PIXELS = torch.tensor([4, 5, 6], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 2, 2)


def places(pixel_values: Tensor) -> Any:
    """Answer the colours of each place as a token."""
    return SimpleNamespace(last_hidden_state=pixel_values.flatten(2).transpose(1, 2), pooler_output=None)


def test_pixels_are_scaled_colour_by_colour_and_turned_round_where_blue_comes_first() -> None:
    assert PictureTower(Told(places), COLOURS)(PIXELS).tolist() == [[[2.0, 4.0, 22.0]]]
    turned = Colours(COLOURS.scale, COLOURS.offset, backwards=True)
    assert PictureTower(Told(places), turned)(PIXELS).tolist() == [[[22.0, 4.0, 2.0]]]


def test_a_picture_is_its_pooler_its_class_token_or_the_mean_over_its_places() -> None:
    def answer(pixel_values: Tensor) -> Any:
        hidden = torch.tensor([[[1.0, 0.0], [3.0, 8.0]]])
        return SimpleNamespace(last_hidden_state=hidden, pooler_output=torch.tensor([[7.0, 7.0]]))

    assert PictureTower(Told(answer), COLOURS)(PIXELS).tolist() == [[[7, 7]]]
    assert PictureTower(Told(answer), COLOURS, pooler=False)(PIXELS).tolist() == [[[2, 4]]]
    with_class = Told(answer)
    with_class.cls_token = nn.Parameter(torch.zeros(1))
    assert PictureTower(with_class, COLOURS, pooler=False)(PIXELS).tolist() == [[[1, 0]]]


def test_a_map_of_places_is_averaged() -> None:
    def answer(pixel_values: Tensor) -> Any:
        return SimpleNamespace(last_hidden_state=torch.arange(8.0).view(1, 2, 2, 2))

    assert PictureTower(Told(answer), COLOURS)(PIXELS).tolist() == [[[1.5, 5.5]]]


def test_a_joint_network_gives_its_projected_feature() -> None:
    tower = PictureTower(Joint("text", "vision"), COLOURS, pooler=False)
    assert tower(PIXELS).tolist() == [[[2.0, 4.0, 22.0]]]


# sounds


def hear(wave: np.ndarray, sampling_rate: int, return_tensors: str) -> dict[str, Any]:
    """Give the network each sample as a frame."""
    return {"input_values": wave[None, :, None]}


def frames(input_values: Tensor) -> Any:
    return SimpleNamespace(last_hidden_state=input_values)


def test_a_sound_is_heard_without_what_fills_it() -> None:
    tower = SoundTower(Told(frames), hear, rate=80)  # at least two samples, one window of 25 ms
    waves = torch.zeros(3, 16)
    waves[0, :8] = torch.arange(1.0, 9.0)
    waves[1, :] = 5.0
    waves[2, :8] = torch.arange(8.0, 0.0, -1.0)
    assert tower(waves)[..., 0].tolist() == [[1.5, 3.5, 5.5, 7.5], [5.0] * 4, [7.5, 5.5, 3.5, 1.5]]


def test_a_network_that_always_hears_one_length_is_asked_for_the_part_with_sound() -> None:
    def whole(wave: np.ndarray, sampling_rate: int, return_tensors: str) -> dict[str, Any]:
        return {"input_features": np.arange(16.0)[None, :, None]}

    tower = SoundTower(Told(lambda input_features: frames(input_features)), whole, rate=80)
    tower.whole = 16
    waves = torch.zeros(2, 16)
    waves[0, :8] = 1.0
    waves[1] = 1.0
    assert tower(waves)[..., 0].tolist() == [[0.5, 2.5, 4.5, 6.5], [1.5, 5.5, 9.5, 13.5]]


def test_silence_is_as_short_as_the_network_can_hear() -> None:
    heard: list[int] = []

    def listen(wave: np.ndarray, sampling_rate: int, return_tensors: str) -> dict[str, Any]:
        heard.append(len(wave))
        return hear(wave, sampling_rate, return_tensors)

    SoundTower(Told(frames), listen, rate=800)(torch.zeros(1, 1000))
    # three convolutions need (((1 - 1) · 4 + 3 - 1) · 4 + 3 - 1) · 5 + 10 samples for one frame
    deep = Told(frames, conv_kernel=(10, 3, 3), conv_stride=(5, 4, 4))
    SoundTower(deep, listen, rate=800)(torch.zeros(1, 1000))
    assert heard == [20, 60]


def test_a_sound_of_one_feature_has_one_token() -> None:
    tower = SoundTower(Told(lambda input_values: SimpleNamespace(pooler_output=input_values.mean(1))), hear, rate=80)
    assert tower(torch.full((2, 8), 3.0)).tolist() == [[[3.0]], [[3.0]]]


def test_features_out_of_the_order_of_time_are_refused() -> None:
    tower = SoundTower(Told(lambda input_values: frames(input_values[..., None])), hear, rate=80)
    with pytest.raises(RequestError, match="this network does not give features in order of time"):
        tower(torch.ones(1, 8))
