"""scikit-learn estimators over the same code: they clone, cross-validate and go through a grid search."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from plait.data.read import read
from plait.runs.predictions import Predictions
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
        ignore: Any = (),
        kinds: Any = None,
        modalities: Any = None,
        encoders: Any = None,
        prep: Any = None,
        tune: Any = (),
        candidates: Any = (),
        balance: bool = False,
        epochs: int | None = None,
        batch_size: int = 64,
        precision: str = "auto",
        time_limit: float | None = None,
        seed: int = 0,
        sample_rate: int | None = None,
        folder: Any = None,
    ) -> None:
        self.__dict__.update({name: value for name, value in locals().items() if name != "self"})

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows and their labels, and return the estimator.

        Args:
            X: anything that `plait.read` takes; for cross-validation a data frame, or a plait.Table.
            y: (rows,) integers, strings or numbers, or one-hot (rows, class).
        """
        options = self.get_params()
        folder = options.pop("folder")
        for name in ("kinds", "modalities", "encoders", "prep"):
            options[name] = dict(options[name] or {})
        name = "label" if "label" not in read(X, folder).names else "label (given)"
        options["kinds"] = {**options["kinds"], name: self._kind}
        self.model_ = fit(X, np.asarray(y), target=name, folder=folder, **options)
        self.n_features_in_ = len(read(X, folder).names)
        return self

    def _answers(self, X: Any) -> Predictions:
        check_is_fitted(self, "model_")
        return self.model_.predict(X, folder=self.folder)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = False
        return tags


class Classifier(ClassifierMixin, _Estimator):
    """A scikit-learn classifier over `plait.fit`. Fitted it has `model_` and `classes_`.

    Args:
        fusion, ignore, kinds, modalities, encoders, prep, tune, candidates, balance: as in `plait.fit`.
        epochs, batch_size, precision, time_limit, seed, sample_rate: as in `plait.fit`.
        folder: where relative media paths begin.

    Example:
        >>> learner = plait.Classifier(candidates="classic")
        >>> learner.fit({"age": table.cells("age")}, table.cells("sick")).predict({"age": [20, 60]})
        array(['no', 'yes'], dtype='<U3')
    """

    _kind = "category"

    def fit(self, X: Any, y: Any) -> Classifier:
        super().fit(X, y)
        self.classes_ = np.array(self.model_.classes)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return a label for each row of `X`, (rows,); for one with nothing in it the commonest of training."""
        probabilities = self.predict_proba(X)  # first: it says when the estimator is not fitted
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of `X` (rows, class); of a row with nothing in it the shares of training."""
        answers = self._answers(X)
        failed = np.array([status == "failed" for status in answers.status], bool)
        return np.where(failed[:, None], self.model_.prior[None], np.asarray(answers.probabilities))


class Regressor(RegressorMixin, _Estimator):
    """A scikit-learn regressor over `plait.fit`. Fitted it has `model_`.

    Args:
        fusion, ignore, kinds, modalities, encoders, prep, tune, candidates, balance: as in `plait.fit`.
        epochs, batch_size, precision, time_limit, seed, sample_rate: as in `plait.fit`.
        folder: where relative media paths begin.

    Example:
        >>> learner = plait.Regressor(candidates="alone", epochs=1)
        >>> learner.fit({"sick": table.cells("sick")}, table.cells("age")).predict({"sick": ["no", "yes"]}).shape
        (2,)
    """

    _kind = "number"

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row of `X`, (rows,); for one with nothing in it the mean of training."""
        values = self._answers(X).labels
        return np.array([self.model_.prior[0] if value is None else value for value in values], float)
