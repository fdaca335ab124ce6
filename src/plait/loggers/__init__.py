"""The course of a fit for programs that draw it: MLflow, TensorBoard. Each is a callback: `fit(callback=…)`.

Here: what of an event is worth a point or a line, and one file for each program, which is imported when it is used.
Knows: events as `core.progress` describes them. Does not know: models, tables, runs.
"""

# what other rooms may use, file by file
DOOR: dict[str, tuple[str, ...]] = {
    "mlflow": ("MlflowLogger",),
    "tensorboard": ("TensorBoardLogger",),
}
