"""The cheapest way from one kind to another, found and not written down."""

from dataclasses import dataclass

import pytest

from plait.converters.graph import Route, check_converter, find_route, identity
from plait.errors import CellError, MissingExtra, RequestError


@dataclass(frozen=True)
class Fake:
    name: str
    source: str
    target: str
    cost: float = 1.0
    quality: float = 1.0
    module: str = ""
    missing: str = ""

    def __call__(self, values):
        return [f"{value}>{self.name}" for value in values], [0.5] * len(values)


READ, SAY, HEAR = Fake("read", "image", "text"), Fake("say", "text", "audio"), Fake("hear", "audio", "text", 0.5)


def names(route: Route) -> list[str]:
    return [step.name for step in route.steps]


def test_image_to_speech_is_two_steps() -> None:
    route = find_route([SAY, HEAR, READ], "image", "audio")
    assert names(route) == ["read", "say"]
    assert (route.source, route.target, route.cost, route.quality) == ("image", "audio", 2.0, 1.0)
    assert route(["a", "b"]) == (["a>read>say", "b>read>say"], [0.25, 0.25])


def test_the_cheapest_way_counts_what_comes_out_right() -> None:
    quick = Fake("quick", "audio", "text", cost=1.0, quality=0.1)
    good = Fake("good", "audio", "text", cost=5.0, quality=0.9)
    assert names(find_route([quick, good], "audio", "text")) == ["good"]
    assert names(find_route([quick, good], "audio", "text", by="quick")) == ["quick"]


def test_two_cheap_steps_beat_a_dear_one() -> None:
    dear = Fake("dear", "image", "audio", cost=9.0)
    assert names(find_route([dear, READ, SAY], "image", "audio")) == ["read", "say"]


def test_what_is_not_installed_is_gone_around_or_named() -> None:
    lacking = Fake("sphinx", "audio", "text", cost=0.1, module="a_module_that_is_not_there")
    assert names(find_route([lacking, HEAR], "audio", "text")) == ["hear"]
    known = Fake("ocr", "image", "text", module="rapidocr_is_not_there")
    from plait import errors

    errors.EXTRAS["rapidocr_is_not_there"] = "ocr"
    try:
        with pytest.raises(MissingExtra, match=r'pip install "plait\[ocr\]"'):
            find_route([known, SAY], "image", "audio")
    finally:
        del errors.EXTRAS["rapidocr_is_not_there"]


def test_what_lacks_a_model_says_so() -> None:
    whisper = Fake("whisper", "audio", "text", missing="a model")
    with pytest.raises(RequestError, match=r"converter 'whisper' needs a model\."):
        find_route([whisper], "audio", "text")


def test_no_way_names_the_nearest() -> None:
    with pytest.raises(
        RequestError,
        match=r"no way from audio to image\. audio can become: text; image is made of: tabular\.",
    ):
        find_route([HEAR, Fake("draw", "tabular", "image")], "audio", "image")


def test_unknown_names() -> None:
    with pytest.raises(RequestError, match=r"no converter 'reed'\. Did you mean 'read'"):
        find_route([READ], "image", "text", by="reed")
    with pytest.raises(RequestError, match="'speech', which is no kind"):
        find_route([READ], "image", "speech")
    with pytest.raises(RequestError, match="a converter needs 'target'; Half has none"):
        check_converter(type("Half", (), {"name": "half", "source": "text"})())


def test_no_words_do_not_reach_the_next_step() -> None:
    @dataclass(frozen=True)
    class Blind(Fake):
        def __call__(self, values):
            return ["", CellError("torn", "unreadable"), "word"], [0.0, 0.0, 1.0]

    made, sure = Route((Blind("blind", "image", "text"), SAY))(["x", "y", "z"])
    assert [str(value) for value in made] == ["no words were found (blind)", "torn", "word>say"]
    assert sure == [0.0, 0.0, 0.5]


def test_identity_changes_with_an_option() -> None:
    assert identity(Route((READ,))) == identity(Route((Fake("read", "image", "text"),)))
    assert identity(Route((READ,))) != identity(Route((Fake("read", "image", "text", 2.0),)))


def test_nothing_is_read_from_a_spectrogram() -> None:
    @dataclass(frozen=True)
    class Final(Fake):
        final: bool = True

    draw = Final("spectrogram", "audio", "image", cost=0.001)
    assert names(find_route([draw, READ, HEAR], "audio", "text")) == ["hear"]
    assert names(find_route([draw, READ, HEAR], "audio", "image")) == ["spectrogram"]
