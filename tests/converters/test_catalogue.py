"""Every converter that plait brings can be written down and made again."""

import json

import pytest

from plait.converters.catalogue import PLACES, class_of, make_converters, restore
from plait.converters.graph import Route, describe, is_installed
from plait.errors import RequestError


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
