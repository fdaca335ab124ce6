"""What is said of any predictor: scores, the verdict on fusion, robustness, Shapley values, explanations.

Knows: predictors, prepared rows, labels. Does not know: run folders, how a candidate was found.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "attribution": ("explain_table",),
    "caveats": ("class_caveats", "label_caveats", "look_caveats", "number_caveats", "row_caveats", "way_out"),
    "explanation": ("Explanation", "PICTURES", "write_explanation"),
    "evaluation": ("Evaluation",),
    "inside": ("Detail",),
    "leaderboard": (
        "Leaderboard", "Proof", "board", "board_html", "choose_shown", "rule_of", "say_gaps", "say_verdict",
        "span", "verdict_html",
    ),
    "operating": ("operating_curves",),
    "shapley": ("Keep", "draw_orders", "explain_game", "needed_subsets"),
    "worth": ("QUICK", "split_score"),
    "reliability": ("as_classes", "calibration", "reliability"),
    "robustness": ("Robustness",),
    "paired": ("Difference", "POINTS", "Yardstick", "corrected_t", "holm", "reconcile"),
    "spans": ("LEVEL",),
    "scores": (
        "MOST_MODALITIES", "by_modalities", "confusion", "error_rates", "group_codes", "intervals",
        "scores",
    ),
    "verdict": (
        "Contest", "FEWEST_ROWS", "NO_FUSED", "NO_SINGLE", "NO_TEST_ROWS", "ONE_MODALITY", "Side", "Verdict", "judge",
        "not_tested", "too_few",
    ),
}  # fmt: skip
