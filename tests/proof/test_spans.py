"""Ends of intervals against published methods, numbers worked out by hand and what must always hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plait.proof.spans import (
    bca_span,
    f1_span,
    jackknife_reach,
    mean_span,
    rank_span,
    scaled_span,
    skewed_span,
    student_end,
    sum_span,
    widen,
    wilson,
)

QUICK = settings(derandomize=True, deadline=None, database=None, max_examples=30)


@pytest.mark.parametrize(("hits", "num"), [(0, 5), (3, 3), (9, 12), (90, 100)])
def test_a_share_has_the_score_interval_of_wilson(hits: int, num: int) -> None:
    known = stats.binomtest(hits, num).proportion_ci(method="wilson")
    assert wilson(hits, num).tolist() == pytest.approx([known.low, known.high], abs=1e-6)


def test_shares_of_several_classes_at_once_and_of_none() -> None:
    assert wilson([3, 0], [3, 0])[:, 1].tolist() == [0, 1]
    assert wilson([3, 0], [3, 0])[:, 0].tolist() == pytest.approx([0.4385, 1.0], abs=1e-4)


def test_f1_is_told_by_the_share_of_hits_among_what_is_either() -> None:
    low, high = wilson(8, 12)  # 10 are it, 10 are called it, 8 are both: f1 is .8
    assert f1_span(8, 10, 10).tolist() == pytest.approx([2 * low / (1 + low), 2 * high / (1 + high)])
    assert f1_span(5, 5, 5)[1] == 1.0


def test_a_mean_of_parts_is_surer_than_each() -> None:
    ends = wilson([50, 50], [100, 100])
    half = 0.5 - ends[0, 0]
    found = sum_span(np.array([0.5, 0.5]), np.array([0.5, 0.5]), ends)
    assert found.tolist() == pytest.approx([0.5 - half / math.sqrt(2), 0.5 + half / math.sqrt(2)])


def test_a_perfect_auroc_is_no_certainty() -> None:
    few, many = rank_span(1.0, np.array([10, 100]), np.array([10, 100])).T.tolist()
    assert few[1] == many[1] == 1.0
    assert few[0] < 0.9 < many[0] < 1.0
    low, high = rank_span(0.8, np.array([30]), np.array([30]))[:, 0]
    assert rank_span(0.2, np.array([30]), np.array([30]))[:, 0] == pytest.approx([1 - high, 1 - low])


def test_the_mean_of_what_leans_to_neither_side_has_the_normal_interval() -> None:
    values = np.array([-1.0, 1.0] * 50)
    error = math.sqrt(1 / 100) * math.sqrt(100 / 99) * math.sqrt(99 / 100)  # of the spread over n
    assert mean_span(values).tolist() == pytest.approx([-1.96 * error, 1.96 * error], rel=1e-2)
    assert mean_span(np.array([2.0])).tolist() == [2.0, 2.0]


def test_a_skewed_mean_reaches_further_to_the_side_of_its_tail() -> None:
    values = np.random.default_rng(3).lognormal(size=80)
    low, high = mean_span(values)
    assert high - values.mean() > 1.2 * (values.mean() - low)
    known = stats.bootstrap((values,), np.mean, n_resamples=4000, rng=np.random.default_rng(1)).confidence_interval
    assert high == pytest.approx(known.high, rel=0.05)


def test_resamples_that_are_all_alike_have_no_width() -> None:
    assert bca_span(0.5, np.full(9, 0.5), np.full(9, 0.5)).tolist() == [0.5, 0.5]
    assert bca_span(0.5, np.full(9, np.nan), np.full(9, 0.5)).tolist() == [0.5, 0.5]


def test_leaving_out_parts_of_a_mean_is_the_t_interval() -> None:
    values = np.array([1.0, 2.0, 4.0, 7.0])
    known = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    reach = jackknife_reach((values.sum() - values) / 3)
    assert [3.5 - reach, 3.5 + reach] == pytest.approx(known)
    assert jackknife_reach(np.array([1.0])) == math.inf


@given(st.floats(0.01, 0.99), st.lists(st.floats(0, 1), min_size=2, max_size=8))
@QUICK
def test_on_its_scale_no_end_is_out_of_reach(share: float, others: list[float]) -> None:
    left_out = np.array(others)
    low, high = scaled_span(share, left_out, "share", len(others))
    assert 0 <= low <= share <= high <= 1
    low, high = scaled_span(share, left_out, "error")
    assert 0 <= low <= share <= high
    assert scaled_span(1 - share, 1 - left_out, "explained").tolist() == pytest.approx([1 - high, 1 - low])


def test_where_no_group_errs_they_count_as_so_many_rows() -> None:
    assert scaled_span(1.0, np.ones(10), "share", 10).tolist() == wilson(10, 10).tolist()
    assert scaled_span(0.0, np.zeros(3), "error").tolist() == [0.0, 0.0]


def test_an_error_that_one_row_makes_is_not_less_than_nothing() -> None:
    errors = np.array([1.0] + [0.0] * 29)
    low, high = scaled_span(errors.mean(), (errors.sum() - errors) / 29, "error")
    assert (low, high > 0.1) == (0.0, True)


def test_an_interval_without_skew_is_no_narrower_than_the_plain_one() -> None:
    left_out = np.array([0.9, 1.0, 1.1])
    assert skewed_span(1.0, left_out, 2.0).tolist() == pytest.approx([1 - 2 * 0.11547, 1 + 2 * 0.11547], abs=1e-5)
    assert widen(np.array([0.2, 0.4]), np.array([0.3, 0.9])).tolist() == [0.2, 0.9]


def test_heavy_tails_reach_further_than_what_is_there() -> None:
    generator = np.random.default_rng(0)
    heavy = generator.standard_t(2.5, 150)
    assert np.square(heavy).mean() < 5 < student_end(heavy)  # 5 is true, and most samples are below it
    assert student_end(generator.normal(size=150)) == 0.0
    assert student_end(np.zeros(20)) == 0.0
    assert student_end(np.array([1.0])) == 0.0
