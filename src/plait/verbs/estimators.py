"""scikit-learn estimators over the same code: they clone, cross-validate and go through a grid search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from plait.core.classes import place_of
from plait.core.contract import Table, clean_label
from plait.data.read import read
from plait.errors import RequestError, TableError
from plait.runs.model import Model
from plait.runs.predictions import Predictions, TargetPredictions
from plait.runs.targets import Targets
from plait.verbs.fit import fit


class _Estimator(BaseEstimator):
    """What both share. X: anything `plait.read` takes; for cross-validation a data frame, or a plait.Table.

    Parameters are those of FitOptions that make sense here; `folder` is where relative media paths start. With kind
    "category" or "number" the labels need no guess, so the estimator says which it is.
    """

    _kind = ""
    folder: Any

    def __init__(
        self,
        fusion: Any = None,
        ignore: Sequence[str] = (),
        kinds: Mapping[str, str] | None = None,
        modalities: Mapping[str, Sequence[str]] | None = None,
        encoders: Mapping[str, Any] | None = None,
        prep: Mapping[str, Any] | None = None,
        tune: Sequence[str] = (),
        candidates: Sequence[str] = (),
        balance: bool = False,
        epochs: int | None = None,
        batch_size: int = 64,
        precision: str = "auto",
        device: str = "auto",
        quality: str = "good",
        time_limit: float | None = None,
        seed: int = 0,
        sample_rate: int | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.__dict__.update({name: value for name, value in locals().items() if name != "self"})

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Learn from rows and their labels, and return the estimator.

        Args:
            X: anything that `plait.read` takes; for cross-validation a data frame, an array of numbers, or a
                plait.Table.
            y: (rows,) integers, strings or numbers, or one-hot (rows, class); of several targets (rows, target).
            sample_weight: (rows,) what each row counts, as in `plait.fit`.
        """
        if y is None:
            raise RequestError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        y = np.asarray(y)
        self._learn(X, column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y, sample_weight)
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any) -> None:
        options = self.get_params()
        options.pop("folder")
        for name in ("kinds", "modalities", "encoders", "prep"):
            options[name] = dict(options[name] or {})
        table = self._read(X, fitting=True)
        name = "label" if "label" not in table.names else "label (given)"
        several = y.ndim == 2 and y.shape[1] > 1 and not (self._kind == "category" and np.isin(y, (0, 1)).all())
        names = [f"{name} {place}" for place in range(y.shape[1])] if several else [name]
        labels = dict(zip(names, y.T, strict=True)) if several else y
        if len(table) < 2:
            raise TableError("n_samples=1: one row cannot be learned from and tested; expected more.")
        if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":  # what another step gives is numbers, and no ids
            options["kinds"] = {**dict.fromkeys(table.names, "number"), **options["kinds"]}
        options["kinds"] = {**dict.fromkeys(names, self._kind), **options["kinds"]}
        if "labels" in [options["kinds"][name] for name in names]:
            raise RequestError(
                f"{type(self).__name__} answers one thing a row; several labels a row are for plait.fit."
            )
        self.model_: Any = fit(table, labels, target=names, sample_weight=sample_weight, **options)

    def _read(self, X: Any, fitting: bool = False) -> Table:
        """Return the table of `X`, held against the columns of training."""
        table = read(X, self.folder)
        if hasattr(X, "__array__"):  # an array or a frame
            validate_data(self, X, reset=fitting, skip_check_array=True)
        elif fitting:
            self.n_features_in_, self.feature_names_in_ = len(table.names), np.array(table.names, object)
        return table

    def _answers(self, X: Any) -> list[tuple[Model, Predictions]]:
        """Return the model of each target, and what it says."""
        check_is_fitted(self, "model_")
        answers = self.model_.predict(self._read(X))
        if isinstance(self.model_, Targets) and isinstance(answers, TargetPredictions):
            return [(self.model_[name], answers[name]) for name in self.model_]
        return [(self.model_, answers)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = False
        return tags


class Classifier(ClassifierMixin, _Estimator):
    """A scikit-learn classifier over `plait.fit`. Fitted it has `model_` and `classes_`.

    Args:
        fusion, ignore, kinds, modalities, encoders, prep, tune, candidates, balance: as in `plait.fit`.
        epochs, batch_size, precision, device, quality, time_limit, seed, sample_rate: as in `plait.fit`.
        folder: where relative media paths begin.

    Example:
        >>> learner = plait.Classifier(candidates="classic")
        >>> learner.fit({"age": table.cells("age")}, table.cells("sick")).predict({"age": [20, 60]})
        array(['no', 'yes'], dtype='<U3')
    """

    _kind = "category"

    def _learn(self, X: Any, y: Any, sample_weight: Any) -> None:
        check_classification_targets(y)
        super()._learn(X, y, sample_weight)
        models = [self.model_[name] for name in self.model_] if isinstance(self.model_, Targets) else [self.model_]
        columns = y.T if len(models) > 1 else [y]
        classes = [_as_given(model.classes or [], own) for model, own in zip(models, columns, strict=True)]
        self.classes_: Any = classes if len(models) > 1 else classes[0]

    def predict(self, X: Any) -> np.ndarray:
        """Return a label for each row of `X`, (rows,) or (rows, target); of nothing the commonest."""
        probabilities = self.predict_proba(X)  # first: it says when the estimator is not fitted
        models = [self.model_[name] for name in self.model_] if isinstance(self.model_, Targets) else [self.model_]
        each = probabilities if isinstance(probabilities, list) else [probabilities]
        classes = self.classes_ if isinstance(probabilities, list) else [self.classes_]
        said = [own[place_of(x, model.classes)] for model, own, x in zip(models, classes, each, strict=True)]
        return np.stack(said, axis=1) if len(said) > 1 else said[0]

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities of `X` (rows, class); of a row with nothing in it the shares of training.

        Of several targets a list of these.
        """
        each = []
        for model, answers in self._answers(X):
            failed = np.array([status == "failed" for status in answers.status], bool)
            each.append(np.where(failed[:, None], model.prior[None], np.asarray(answers.probabilities)))
        return each if len(each) > 1 else each[0]


def _as_given(classes: Sequence[Any], labels: np.ndarray) -> np.ndarray:
    """Return classes as the labels that were given: "a " is "a" to a model."""
    given = {clean_label(label): label for label in labels.tolist()} if labels.ndim == 1 else {}
    return np.array([given.get(label, label) for label in classes])


class Regressor(RegressorMixin, _Estimator):
    """A scikit-learn regressor over `plait.fit`. Fitted it has `model_`.

    Args:
        fusion, ignore, kinds, modalities, encoders, prep, tune, candidates, balance: as in `plait.fit`.
        epochs, batch_size, precision, device, quality, time_limit, seed, sample_rate: as in `plait.fit`.
        folder: where relative media paths begin.

    Example:
        >>> learner = plait.Regressor(candidates="alone", epochs=1)
        >>> learner.fit({"sick": table.cells("sick")}, table.cells("age")).predict({"sick": ["no", "yes"]}).shape
        (2,)
    """

    _kind = "number"

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row of `X`, (rows,) or (rows, target); of nothing the mean of training."""
        each = [
            np.array([model.prior[0] if value is None else value for value in answers.labels], float)
            for model, answers in self._answers(X)
        ]
        return np.stack(each, axis=1) if len(each) > 1 else each[0]
