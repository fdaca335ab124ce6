"""What answers a Batch: networks, classic learners, and predictors made of predictors.

Here: a modality and its preparation (`views`), rows prepared (`rows`), plans and fusion, the network and the one
training loop, classic learners and their plain arrays, blends and calibration, the graph for ONNX, and `speech`.
Knows: kinds and pretrained encoders, prepared rows. Does not know: how candidates are compared, run folders, reports.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "blend": (
        "Mixture",
        "cross_fit",
        "fit_average",
        "fit_confident",
        "fit_mixture",
        "fit_stacked",
        "fit_weighted",
        "select_ensemble",
    ),
    "calibration": (
        "MEAN_LUCK",
        "assign_folds",
        "count_sets",
        "cross_fit_temperature",
        "find_thresholds",
        "losses",
        "number_sets",
        "rarest_label",
        "turns",
    ),
    "classic": ("Goal", "MajorityPredictor", "fit_classic"),
    "each_label": ("fit_labels",),
    "fusion": ("pool",),
    "learners": ("BINNED", "DENSE", "DISCRIMINANT", "LEARNERS"),
    "learning": (
        "JointTarget",
        "Share",
        "Target",
        "decided",
        "draw_batches",
        "draw_pass",
        "encode_live",
        "encode_rows",
        "loss_of",
    ),
    "network": ("Network", "NetworkPredictor", "Parts", "as_probabilities", "prior_logits", "tuned_makers"),
    "onnx_graph": ("Graph", "Port", "is_graph", "network_predictors", "write_graph"),
    "plan": ("Node", "Parallel", "Sequential", "Tree", "check", "leaves", "parse"),
    "predictors": (
        "Blend",
        "Bounded",
        "Calibrated",
        "RowText",
        "Stored",
        "input_names",
        "leaves_of",
        "present_in",
        "restore_predictors",
        "store_predictors",
    ),
    "rows": ("CHUNK", "Callback", "FEW", "Prepared", "are_known", "prepare", "quiet"),
    "scored": ("Step", "fit_scored"),
    "sparse": ("FIRST", "LEARNER", "STRENGTHS", "Lesson", "count_texts"),
    "train": ("Lesson", "Outcome", "Recipe", "fork_generators", "has_bfloat16", "train"),
    "views": (
        "View",
        "encoder_names",
        "fit_views",
        "letter_views",
        "may_gain",
        "name_modalities",
        "prep_options",
        "beside_views",
        "rival_views",
        "text_views",
        "tuned_views",
    ),
    "written": ("check_prior", "check_temperature", "require"),
}
