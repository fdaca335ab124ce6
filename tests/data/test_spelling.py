"""One thing written in several ways: what is surely the same is found, and nothing else."""

import pytest

from plait.data.spelling import fold_name, fold_value, match_names, say_matches, spellings


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        (" Yes ", "yes"), ("NEW  York", "new york"), ("ＡＢ", "ab"), ("Straße", "strasse"), ("1.50", "1.5"),
        ("1.0", "1"), ("1e3", "1000"), ("1000.00", "1000"), ("-0", "0"), ("007", "007"), ("1.2.3", "1.2.3"),
        ("9007199254740993", "9007199254740993"), ("1" * 40, "1" * 40),
    ],
)  # fmt: skip
def test_case_blanks_and_the_form_of_a_number_are_folded(written: str, folded: str) -> None:
    assert fold_value(written) == folded


def test_values_that_fold_alike_are_told_apart_by_their_letters_alone() -> None:
    assert spellings(["Rome", "rome", "Oslo"]) == {"oslo": "Oslo"}
    assert spellings(["01234", "1.0"]) == {"01234": "01234", "1": "1.0"}  # 1234 is no 01234 for sure


@pytest.mark.parametrize("known", [("True", "False"), ("1", "0"), ("yes", "no"), ("Y", "N"), ("t", "f"), ("on", "off")])
def test_the_two_values_of_a_truth_may_come_as_those_of_another(known: tuple[str, str]) -> None:
    alike = spellings(known)
    for yes, no in (("TRUE", "FALSE"), ("true", "false"), ("1.0", "0"), ("Yes", "NO"), ("Y", "n"), ("T", "F")):
        assert (alike[fold_value(yes)], alike[fold_value(no)]) == known
    assert fold_value("maybe") not in alike


@pytest.mark.parametrize("known", [("1", "0", "2"), ("1", "2"), ("y", "n", "x"), ("true",), ("m", "f")])
def test_what_is_no_truth_is_not_taken_for_one(known: tuple[str, ...]) -> None:
    alike = spellings(known)
    assert {*alike.values()} == {*known} and alike.keys() == {*known}
    assert spellings(["1", "0"], truths=False).keys() == {"1", "0"}


@pytest.mark.parametrize(
    "written", ["BODY WEIGHT", " body_weight", "Body-Weight\t", "\ufeffbody.weight", "ｂody  weight"]
)
def test_names_differ_in_case_blanks_and_what_stands_for_a_blank(written: str) -> None:
    assert fold_name(written) == fold_name("Body Weight")


def test_names_that_may_mean_two_things_are_not_matched() -> None:
    assert match_names(["Age", "town"], ["age", "town", "size"]) == {"age": "Age", "town": "town"}
    assert match_names(["Age", "AGE"], ["age"]) == {}
    assert match_names(["AGE"], ["age", "Age"]) == {}  # training had both
    assert match_names(["Age"], ["age"], known=["Age"]) == {}  # training had it, and left it out
    assert match_names(["age", "Age"], ["age"]) == {"age": "age"}
    assert match_names(["ion", "ion-"], ["ion+"]) == {}
    assert match_names(["x11"], ["x_1_1"]) == {}


def test_matched_names_are_said() -> None:
    assert say_matches({"age": "age"}) == ""
    assert say_matches({"age": "Age ", "town": "town"}) == (
        "columns are called otherwise than in training: 'Age ' is taken for 'age'."
    )
