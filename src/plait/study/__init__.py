"""From a table to the best predictor: candidates, search, choice, folds, and the job of a fit.

Here: the target (`labels`), splits, networks and the search over every family, encoders that are left open, the
recogniser's study, the end of a fit, and the content of its report.
Knows: all that trains and judges. Does not know: words of the command line.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "course": ("learn",),
    "several": ("learn_targets",),
    "job": ("Fit", "choose_device", "open_folder"),
    "report_content": ("changed_options", "content_of_run", "word_verdict"),
    "labels": ("Labels", "column_of_labels", "fingerprint"),
    "speech": ("check_request",),
    "way": ("Way",),
}
