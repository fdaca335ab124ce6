"""The parts of charts: scales and ticks, numbers as a person writes them, text that fits and cannot break out."""

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.draw import page, svg
from plait.draw.page import shorten, text_width


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(svg).failed == doctest.testmod(page).failed == 0


@given(st.text("ab (=猫甲é\u0301", max_size=40), st.integers(4, 20))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_a_shortened_text_fits(text: str, most: int) -> None:
    assert text_width(shorten(text, most)) <= most


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_ticks_lie_on_the_axis_and_are_not_too_many(low: float, size: float, most: int) -> None:
    found = svg.ticks(low, low + size, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * size <= tick <= low + size * (1 + 1e-6) for tick in found)
    assert found == sorted(set(found))


def test_what_is_written_into_an_element_is_escaped() -> None:
    assert svg.words(1.5, 2, "a<b & c", "soft", "end") == (
        '<text x="1.5" y="2" class="soft" text-anchor="end">a&lt;b &amp; c</text>'
    )
    assert svg.element("rect", aria_label='say "x"', fill_opacity=0.5, role=None) == (
        '<rect aria-label="say &quot;x&quot;" fill-opacity="0.5"/>'
    )
    assert svg.hint("<b>") == "<title>&lt;b&gt;</title>"


def test_a_scale_turns_values_into_places_and_stops_at_its_ends() -> None:
    at = svg.Scale(0.0, 10.0, 100.0, 200.0)
    assert [at(value) for value in (-5, 0, 2.5, 10, 99)] == [100, 100, 125, 200, 200]
    down = svg.Scale(0.0, 1.0, 172.0, 24.0)  # up the page
    assert down(0.25) == 135
    assert svg.Scale(5.0, 5.0, 0.0, 10.0)(5.0) == 5  # no spread: in the middle


def test_a_scale_of_multiples_has_powers_of_ten() -> None:
    at = svg.Scale(1.0, 100.0, 0.0, 60.0, log=True)
    assert [at(value) for value in (0.0, 1, 10, 100)] == pytest.approx([0, 0, 30, 60])
    assert at.ticks(7) == [1, 2, 5, 10, 20, 50, 100]
    assert at.ticks(3) == [1, 10, 100]


def test_an_axis_holds_all_that_is_finite() -> None:
    assert svg.around([1.0, 3.0, float("nan")], 0.1) == pytest.approx((0.8, 3.2))
    assert svg.around([2.0], 0.5) == (1.0, 3.0)
    assert svg.around([float("inf")]) == (0.0, 1.0)


def test_numbers_of_an_axis_have_as_many_decimals_as_the_finest() -> None:
    assert svg.axis_numbers([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert svg.axis_numbers([-2.0, 0.0, 1000.0]) == ["−2", "0", "1,000"]
    assert svg.axis_numbers([0.0, 2e6]) == ["0", "2e+06"]


def test_marks_differ_in_shape_and_the_fifth_is_the_first_again() -> None:
    drawn = [svg.mark(shape, 10, 10, 4, "dot") for shape in range(5)]
    assert drawn[0] == drawn[4] == '<circle cx="10" cy="10" r="4" class="dot"/>'
    assert drawn[1] == '<path d="M6 6L14 6L14 14L6 14z" class="dot"/>'
    assert len(set(drawn)) == 4
