"""What to do next: each rule by the facts that call for it."""

from typing import Any

from plait.draw.steps import list_steps
from report_content import full_content, span


def quiet_content() -> dict[str, Any]:
    """Return facts of which nothing stands out."""
    content = full_content(3, 4)
    for part in content["data"]["modalities"]:
        part |= {"blank": 0, "broken": 0}
    content["confusion"] = {"counts": [[9, 0, 0], [0, 9, 0], [0, 0, 9]], "names": ["0", "1", "2"]}
    content["learning_curve"] = None
    return content


def test_where_nothing_stands_out_it_is_to_be_tried() -> None:
    said = "Nothing stands out. Score the model on rows that are new: plait evaluate RUN TABLE."
    assert list_steps(quiet_content()) == [said]


def test_more_test_rows_where_these_cannot_tell() -> None:
    content = quiet_content()
    content["verdict"] |= {"code": "cannot_tell", "rows_for": {"5": 1200}}
    assert list_steps(content) == ["Give more test rows: 498 cannot tell whether combining helps, about 1,200 would."]


def test_one_modality_alone_where_combining_hurts_or_is_equal() -> None:
    content = quiet_content()
    content["verdict"] |= {"code": "hurts", "single": {"rule": ["audio", "image"], "value": 0.8}}
    assert list_steps(content) == ["Use audio, else image alone: it is better than the combination."]
    content["verdict"] |= {"code": "equal", "single": {"rule": ["audio"], "value": 0.8}}
    assert list_steps(content)[0].startswith("Where cost counts, use audio alone")


def test_a_modality_that_adds_nothing() -> None:
    content = quiet_content()
    content["importance"]["worth"]["modalities"]["image"] = {"value": 0.001, "low": -0.01, "high": 0.02}
    assert list_steps(content) == ["image adds nothing that the tested rows can show: try without it (--ignore image)."]
    content["verdict"]["single"]["rule"] = ["image", "audio"]  # the others may go, but not this one
    assert list_steps(content) == list_steps(quiet_content())


def test_a_weak_class_and_a_frequent_mistake() -> None:
    content = quiet_content()
    content["per_class"]["1"] |= {"recall": span(0.3, 0.1), "support": 8}
    content["confusion"] = {"counts": [[9, 0, 0], [6, 3, 0], [0, 0, 9]], "names": ["0", "1", "2"]}
    assert list_steps(content) == [
        "The class 1 is found in only 30 % of 8 rows. That is too few rows to be sure: give more of it.",
        "Look at the 6 rows of 1 that are predicted as 0: their labels may be wrong.",
    ]
    content["question"]["task"] = "labels"
    assert list_steps(content)[0].startswith("The label 1 is found in only 30 % of 8 rows.")


def test_holes_and_broken_cells() -> None:
    content = quiet_content()
    content["data"]["modalities"][1] |= {"blank": 600, "broken": 40}
    assert list_steps(content) == [
        "Mend the cells of audio that cannot be read, in 40 rows: plait check TABLE names them.",
        "Fill holes where you can: audio is missing in 21 % of the rows.",
    ]


def test_a_model_that_is_no_better_than_a_guess_comes_first_and_five_are_the_most() -> None:
    content = full_content(3, 4)
    content["prior"] = span(0.99, 0.005)
    content["leaderboard"][-1]["test"] = span(0.9, 0.02)
    content["calibration"]["after"]["word"] = "overconfident"
    content["data"]["modalities"][0] |= {"broken": 90}
    content["verdict"] |= {"code": "hurts"}
    content["importance"]["worth"]["modalities"]["image"] |= {"low": -0.1}
    steps = list_steps(content)
    assert len(steps) == 5
    assert steps[0].startswith("Do not use the model yet: its accuracy of ")


def test_an_overconfident_model_and_a_curve_that_rises() -> None:
    content = quiet_content()
    content["calibration"]["after"] |= {"word": "overconfident"}
    content["learning_curve"] = [{"rows": 50, "val": span(0.5, 0.01)}, {"rows": 100, "val": span(0.7, 0.01)}]
    assert [step.partition(":")[0] for step in list_steps(content)] == [
        "Give more training rows",
        "Do not take its confidence at its word",
    ]
