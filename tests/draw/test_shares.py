"""How one answer comes about, place by place: steps, bars, seconds of a sound, a layer over a picture."""

import io
import re

import numpy as np
from PIL import Image

from plait.draw import shares


def test_steps_from_the_base_end_at_the_answer() -> None:
    steps = [("image", 0.5, ""), ("audio", None, "not there"), ("text", -0.2, "")]
    drawn = shares.waterfall(0.1, steps, 0.4, "the answer")
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="16" class="([a-z ]+)"', drawn)
    # the axis goes from 0 at 112 to 1 at 282
    assert bars == [
        ("112", "5", "17", "bar pale"),
        ("129", "31", "85", "bar"),
        ("180", "83", "34", "bar against"),
        ("112", "109", "68", "bar pale"),
    ]
    assert "not there" in drawn
    assert "nothing known 0.100, image +0.500, audio not there, text −0.200, the answer 0.400" in drawn


def test_a_bar_against_lies_left_of_the_middle() -> None:
    assert '<rect x="30" y="3" width="30" height="12" class="bar against"/>' in shares.bar(-0.5, -1.0)
    assert '<rect x="60" y="3" width="30" height="12" class="bar"/>' in shares.bar(0.5, -1.0)
    assert '<rect x="0" y="3" width="60" height="12" class="bar"/>' in shares.bar(0.5, 1.0)


def test_a_layer_is_blue_where_it_speaks_for_and_orange_against() -> None:
    with Image.open(io.BytesIO(shares.heat_layer([[1.0, 0.0], [-1.0, 0.5]]))) as image:
        pixels = np.asarray(image).tolist()
    assert pixels[0][0] == [20, 80, 200, 215]
    assert pixels[0][1][3] == 0
    assert pixels[1][0] == [235, 120, 20, 215]
    assert pixels[1][1][3] == 123


def test_no_value_is_no_bar() -> None:
    assert shares.bar(None, 1.0) == ""
    assert 'width="0.5"' in shares.bar(0.0, 1.0)  # a hair, so that it is seen to be known


def test_of_a_number_the_ends_are_dots_and_not_bars() -> None:
    drawn = shares.waterfall(60.0, [("image", 5.0, ""), ("audio", -2.5, "")], 62.5, "the answer", zero=False)
    assert re.findall(r'class="(bar[a-z ]*)"', drawn) == ["bar", "bar against"]
    assert drawn.count('class="dot"') == 2
    assert "nothing known 60, image +5.00, audio −2.50, the answer 62.5" in drawn


def test_seconds_for_stand_above_the_line_and_seconds_against_hang_below() -> None:
    seconds = [{"start": 0.0, "end": 0.5, "weight": 0.4}, {"start": 0.5, "end": 2.0, "weight": -0.2}]
    drawn = shares.seconds_figure(seconds, 2.0)
    # a quarter of 100 wide less a gap of 0.3; the heaviest is 20 tall, over a line at 20
    assert '<rect x="0.15" y="0" width="24.7" height="20" class="bar">' in drawn
    assert '<rect x="25.15" y="20" width="74.7" height="10" class="bar against">' in drawn
    assert "<title>0.50 to 2.00 s: −0.200</title>" in drawn
    assert "most: 0.00 to 0.50 s" in drawn
