"""What each section of the report shows of what is known: which rows, in which order, and what is folded away."""

import numpy as np

from pages import Page
from plait.draw import report, sections
from plait.draw.report import render_report
from plait.proof.verdict import ONE_MODALITY, not_tested
from report_content import full_content


def test_lower_is_better_turns_the_order() -> None:
    (one, *_) = full_content()["leaderboard"]
    board = [
        {**one, "name": name, "val": {"value": value, "low": None, "high": None}}
        for name, value in (("far", 9.0), ("near", 1.0), ("none", None))
    ]
    view = sections.show_candidates(board, "mae")
    assert [row["name"] for row in view["shown"]] == ["near", "far", "none"]


def test_the_best_twelve_are_open_and_the_winner_is_among_them() -> None:
    content = full_content(num_candidates=60)
    for place, one in enumerate(content["leaderboard"]):
        one["winner"] = place == 40
    page = render_report(content)
    board = page[page.index('<section id="leaderboard"') : page.index('<section id="mistakes"')]
    shown, rest = board.split("<details>")
    assert shown.count('<th scope="row">') == 13
    assert shown.count("★ winner") == 1
    assert rest.count('<th scope="row">') == 47
    assert "The other 47 candidates" in rest


def test_of_many_subsets_those_that_tell_most_are_open() -> None:
    keys = ["+".join(name for bit, name in enumerate("abcde") if number >> bit & 1) for number in range(1, 32)]
    table = {key: {"rows": 9, "metrics": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}} for key in keys}
    content = full_content(num_candidates=10) | {"subsets": {"by_modalities": table, "alone": {}}}
    view = report.lay_out(content)["views"]["subsets"]
    assert [row["key"] for row in view["shown"][:3]] == ["a+b+c+d+e", "a+b+c+d", "a+b+c+e"]
    assert (len(view["shown"]), len(view["rest"])) == (11, 20)
    assert "The other 20 combinations" in Page(render_report(content)).text
    best = {"rows": 9, "metrics": {"accuracy": {"value": 0.6, "low": 0.5, "high": 0.7}}}
    content["subsets"]["by_modalities"] |= {"c+d+e": best, "b": best}
    rows = report.lay_out(content)["views"]["subsets"]
    assert rows["rest"][0]["key"] == "c+d+e"
    assert [row["key"] for row in rows["shown"][-5:]] == ["b", "a", "c", "d", "e"]


def test_a_hundred_classes_are_drawn_and_more_are_thinned() -> None:
    counts = np.diag(np.full(120, 5)) + np.diag(np.arange(119) % 3, 1)
    content = full_content() | {"confusion": {"counts": counts, "names": [f"c{i}" for i in range(120)]}}
    text = Page(render_report(content)).text
    assert "600 of 718 rows are right" in text
    assert "The 60 of 120 classes with the most mistakes are drawn." in text


def test_labels_the_model_never_saw_are_rows_of_their_own() -> None:
    content = full_content() | {"confusion": {"counts": [[3, 1], [0, 2], [1, 1]], "names": ["a", "b", "new"]}}
    text = Page(render_report(content)).text
    assert "5 of 8 rows are right (62.5 %)" in text
    assert "Labels that the model never saw in training: new" in text


def test_the_front_holds_what_nothing_beats() -> None:
    rows = [("slow", 9.0, 0.8), ("best", 3.0, 0.9), ("quick", 1.0, 0.5), ("beaten", 2.0, 0.4)]
    (one, *_) = full_content()["leaderboard"]
    board = [{**one, "name": name, "latency_ms": ms, "val": {"value": value}} for name, ms, value in rows]
    view = sections.show_cost(board, "accuracy")
    assert [(dot["front"], dot["name"]) for dot in view["front"]] == [(1, "quick"), (2, "best")]


def test_nothing_measured_is_nothing_to_show() -> None:
    assert sections.show_mistakes({"confusion": None, "scatter": None}) is None
    assert sections.show_robustness([]) is None
    assert sections.show_subsets(None, "accuracy") is None
    assert sections.show_importance(None) is None
    assert sections.show_growth([{"rows": 5, "val": {"value": 0.5}}], "accuracy") is None


def test_the_verdict_names_its_opponents_and_where_the_gain_is() -> None:
    view = sections.show_verdict(full_content()["verdict"])
    assert [(what, span["value"]) for what, span in view["table"]] == [
        ("over audio, else image", 0.121),
        ("over image, else audio", 0.132),
        ("of it on 104 rows without audio", 0.081),
        ("on 291 complete rows", 0.048),
    ]
    assert (view["points"], view["p_text"], view["unit"]) == (True, "< 0.001", "group")
    # an interval that p of all opponents made wider is drawn as the sentence says it
    wider = {"value": 0.121, "low": -0.001, "high": 0.15}
    assert sections.show_verdict({**full_content()["verdict"], "difference": wider})["table"][0][1] == wider
    assert view["meaning"].endswith("by more than chance explains. It is worth having more than one of them.")
    small = sections.show_verdict({**full_content()["verdict"], "margin": 0.2})
    assert small["meaning"].endswith("by more than chance explains.")
    untested = not_tested(ONE_MODALITY).to_json()
    assert sections.show_verdict(untested)["rows_shown"] == []


def test_numbers_are_told_by_how_far_off_they_are() -> None:
    content = {"scatter": {"points": [(1, 2), (3, 3), (5, 1)]}, "question": {"target": "age"}}
    view = sections.show_mistakes(content)
    assert view is not None
    assert (view["kind"], view["name"]) == ("scatter", "age")
    assert view["median"] == 1.0
    assert abs(view["mean"] - 5 / 3) < 1e-12


def test_the_most_frequent_mistakes_come_first() -> None:
    view = sections.show_mistakes({"confusion": {"counts": [[5, 1], [4, 6]], "names": ["cat", "dog"]}})
    assert view is not None
    assert view["worst"] == [(4, "dog", "cat", 10), (1, "cat", "dog", 6)]
    assert (view["right"], view["total"], view["unknown"]) == (11, 16, [])


def test_modalities_that_go_missing_share_one_chart() -> None:
    curve = {"levels": [0, 1], "scores": [0.9, 0.5], "unit": "", "area": 0.7, "metric": "f1_macro"}
    found = [{**curve, "modality": name, "what": what} for name, what in
             (("image", "noise"), ("image", "missing"), ("audio", "missing"))]  # fmt: skip
    view = sections.show_robustness(found)
    assert view is not None
    assert len(view["panels"]) == 2
    assert "a modality goes missing: image from 0.900 to 0.500; audio from 0.900 to 0.500" in view["panels"][0]
    assert view["metric"] == "macro F1"
    assert [(row["first"], row["last"]) for row in view["rows"]] == [(0.9, 0.5)] * 3


def test_what_mattered_most_comes_first() -> None:
    shares = {"a": {"share": 0.2}, "b": {"share": 0.8}, "c": {"share": None}}
    view = sections.show_importance({"modalities": shares, "rows": 9})
    assert view is not None
    assert [row["name"] for row in view["rows"]] == ["b", "a", "c"]
    assert (view["top"], view["worth"]) == (0.8, None)


def test_what_each_modality_is_worth_heads_what_mattered() -> None:
    content = full_content(num_candidates=10)
    view = sections.show_importance(content["importance"])
    assert view is not None
    worth = view["worth"]
    assert [name for name, _ in worth["gains"]] == ["audio", "image"]
    (pair,) = worth["pairs"]
    assert (pair["name"], pair["better"], pair["best"]) == ("audio + image", "audio", 0.813)
    text = Page(render_report(content)).text
    assert "What each modality adds to accuracy on 498 test rows of 60 groups" in text
    assert text.index("image +32.1 points") < text.index("What the model listened to") < text.index("53.7")
    assert "audio + image 0.881 0.813 audio +6.8 points (3.1 to 10.4)" in text


def test_of_errors_the_better_alone_is_the_lower() -> None:
    worth = {**full_content(num_candidates=3)["importance"]["worth"], "metric": "log_loss", "rows": 300, "of": 900}
    view = sections.show_importance({"modalities": {}, "rows": 9, "worth": worth})
    assert view is not None
    shown = view["worth"]
    assert (shown["lower"], shown["points"], shown["pairs"][0]["better"]) == (True, False, "image")
    assert shown["tests"] == "300 test rows of 60 groups, drawn from 900"
