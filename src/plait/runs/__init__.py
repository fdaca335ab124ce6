"""A fitted model and its folder: all that a prediction waits for, and no more.

Here: Model and Transcriber, their answers and what they are written to, loading a folder, one ONNX file.
Knows: predictors and how they are stored. Does not know: how they were found, the command line.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "answers": ("Answers", "answer_prepared", "count_holes"),
    "arrival": ("MOST_LEARNED", "code_columns", "find_copies", "hash_rows", "mix_codes"),
    "blocks": ("predict_blocks",),
    "card": ("make_card",),
    "embedding": (
        "BEFORE", "Embeddings", "Head", "NAMES", "Read", "Sources", "Space", "check_out", "has_classes", "kept_space",
        "mean_vector", "read_features", "space_stem", "unit", "usual_aim",
    ),
    "facts": ("RunFacts",),
    "folder": ("list_files",),
    "kept": ("Kept", "KeptSource"),
    "load": ("load", "open_model", "open_one"),
    "model": ("Model", "NETWORK", "PROOF"),
    "onnx": ("OnnxModel", "pack_model"),
    "pairs": ("Pairs",),
    "predictions": ("Predictions", "TargetPredictions", "Transcripts", "check_file", "status_line"),
    "shared": ("set_up_model", "share_media"),
    "targets": ("TargetExplanations", "Targets", "name_folders", "name_target"),
    "transcriber": ("Transcriber", "transcripts_of"),
    "unseen": ("Unseen",),
}  # fmt: skip
