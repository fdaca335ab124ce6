"""Which plans are tried where none is named."""

import pytest

from plait.models.plan import parse
from plait.study.plans import list_plans


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["image"], []),
        (
            ["image", "audio"],
            [
                "parallel(image, audio, by=concat)",
                "parallel(image, audio, by=sum)",
                "parallel(image, audio, by=attention)",
                "parallel(image, audio, by=vote)",
                "sequential(audio, image, by=film)",
                "sequential(audio, image, by=gru)",
                "tree(image, audio, by=gate)",
            ],
        ),
        (
            ["image", "audio", "Review Text"],
            [
                "parallel(image, audio, 'Review Text', by=concat)",
                "parallel(image, audio, 'Review Text', by=sum)",
                "parallel(image, audio, 'Review Text', by=gate)",
                "parallel(image, audio, 'Review Text', by=attention)",
                "parallel(image, audio, 'Review Text', by=vote)",
                "sequential('Review Text', audio, image, by=film)",
                "sequential('Review Text', audio, image, by=gru)",
                "tree((image, audio), 'Review Text', by=gate)",
                "tree((image, audio), 'Review Text', by=concat)",
            ],
        ),
    ],
)
def test_each_strategy_is_tried_with_each_operator_that_makes_sense(names: list[str], expected: list[str]) -> None:
    assert list_plans(names) == expected
    assert [str(parse(plan)) for plan in expected] == expected


def test_families_that_were_not_asked_for_are_left_out() -> None:
    assert list_plans(["a", "b"], ["sequential"]) == ["sequential(b, a, by=film)", "sequential(b, a, by=gru)"]
    assert "parallel(a, b, by=gate)" in list_plans(["a", "b"], ["parallel"])
