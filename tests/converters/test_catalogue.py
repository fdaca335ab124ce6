"""Every converter that plait brings can be written down and made again."""

import json

import pytest

from plait.converters.catalogue import PLACES, class_of, make_converters, refuse_files, restore
from plait.converters.graph import Route, describe, is_installed
from plait.errors import RequestError, RunError


@pytest.mark.parametrize("name", PLACES)
def test_as_it_comes_it_is_made_again(name: str) -> None:
    made = class_of(name)()
    if not is_installed(made):
        pytest.skip(f"{name} is not installed")
    assert restore(json.loads(json.dumps(describe(made)))) == made
    assert restore(describe(Route((made,)))) == Route((made,))


def test_options_reach_their_converter() -> None:
    made = {c.name: c for c in make_converters({"template.template": "{age}", "espeak": {"speed": "200"}})}
    assert (made["template"].template, made["espeak"].speed) == ("{age}", 200)


def test_a_list_of_words_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(RequestError, match=r"pocketsphinx\.words holds no word"):
        make_converters({"pocketsphinx.words": " "})


def test_a_file_that_a_stranger_names_is_refused_unless_the_converter_is_given() -> None:
    data = {"name": "render", "options": {"font": "../a.ttf", "size": 32}}
    with pytest.raises(RunError, match=r"m\.onnx converts by 'render' with font='\.\./a\.ttf', a file"):
        refuse_files(data, [], "m.onnx")
    with pytest.raises(RunError, match="a file; a model from elsewhere opens none"):
        refuse_files({"steps": [data]}, [], "m.onnx")
    refuse_files(data, [class_of("render")()], "m.onnx")
    refuse_files({"name": "render", "options": {"font": "DejaVu Sans"}}, [], "m.onnx")
    refuse_files({"name": "pocketsphinx", "options": {"grammar": "#JSGF V1.0; public <a> = /2/ b;"}}, [], "m.onnx")
