"""plait in scikit-learn's hands: clone, parameters, cross-validation, and a grid search over the fusion plan."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from plait.core.options import FitOptions
from plait.data.read import read
from plait.errors import RequestError
from plait.verbs.estimators import Classifier, Regressor
from tiny import numbers_table

KINDS = {"note": "text", "a": "number", "b": "number"}


def frame(num: int = 36) -> tuple[pd.DataFrame, np.ndarray]:
    data = numbers_table(num)
    labels = np.array(data.pop("y"))
    data["note"] = [f"{label} tide today, number {n}" if n % 6 else None for n, label in enumerate(labels)]
    return pd.DataFrame(data), labels


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return Classifier(epochs=2, kinds=KINDS, fusion="parallel(text, tabular)").fit(*frame())


def test_parameters_go_in_and_out() -> None:
    model = Classifier(fusion="parallel(text, tabular)", epochs=3, seed=5)
    asked = model.get_params()
    assert set(asked) - {"folder"} <= set(FitOptions.__dataclass_fields__)
    assert (asked["fusion"], asked["epochs"], asked["seed"], asked["batch_size"]) == (
        "parallel(text, tabular)",
        3,
        5,
        64,
    )
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == asked
    assert clone(Regressor(epochs=2)).epochs == 2
    assert model.set_params(epochs=9).epochs == 9


def test_answers_are_arrays(fitted: Classifier) -> None:
    rows, labels = frame()
    assert fitted.classes_.tolist() == ["high", "low"]
    assert fitted.n_features_in_ == 3
    answers, probabilities = fitted.predict(rows), fitted.predict_proba(rows)
    assert isinstance(answers, np.ndarray)
    assert answers.shape == (36,)
    assert probabilities.shape == (36, 2)
    assert probabilities.sum(1) == pytest.approx(np.ones(36))
    assert fitted.score(rows, labels) == (answers == labels).mean()
    assert fitted.model_.task == "classification"


def test_a_row_with_nothing_in_it_gets_the_shares_of_training(fitted: Classifier) -> None:
    rows = pd.DataFrame({"a": [1.0, np.nan], "b": [2.0, np.nan], "note": ["high tide", None]})
    assert fitted.predict_proba(rows)[1] == pytest.approx(fitted.model_.prior)
    assert fitted.predict(rows)[1] == fitted.classes_[fitted.model_.prior.argmax()]


def test_fitting_leaves_the_parameters_as_they_are() -> None:
    kinds = {"a": "number"}
    rows, labels = frame(24)
    model = Classifier(epochs=1, kinds=kinds)
    before = dict(model.get_params())
    model.fit(rows[["a"]], labels)
    assert model.get_params() == before
    assert model.kinds is kinds
    assert kinds == {"a": "number"}


def test_classes_that_are_numbers_stay_numbers() -> None:
    rows, labels = frame(24)
    codes = (labels == "high").astype(int)
    model = Classifier(epochs=1).fit(rows[["a", "b"]], codes)
    assert model.classes_.tolist() == [0, 1]
    assert set(model.predict(rows[["a", "b"]]).tolist()) <= {0, 1}


def test_classes_are_the_labels_as_given() -> None:
    x = {"size": [float(i % 2) + i / 99 for i in range(40)]}
    learner = Classifier(candidates="classic").fit(x, np.array(["small ", "big"] * 20))
    assert learner.classes_.tolist() == ["big", "small "]
    assert learner.score(x, ["small ", "big"] * 20) > 0.9


def test_labels_beside_a_column_called_label() -> None:
    rows, labels = frame(24)
    rows = rows.rename(columns={"b": "label"})
    model = Classifier(epochs=1).fit(rows[["a", "label"]], labels)
    assert len(model.predict(rows[["a", "label"]])) == 24


def test_cross_validation_of_a_classifier() -> None:
    rows, labels = frame(30)
    found = cross_val_score(
        Classifier(candidates="alone", epochs=1), rows[["a", "b"]], labels, cv=2, error_score="raise"
    )
    assert found.shape == (2,)
    assert ((found >= 0) & (found <= 1)).all()


def test_cross_validation_of_a_regressor_over_a_table_of_ours() -> None:
    rows, _ = frame(30)
    table = read(rows[["a", "b"]])
    values = 3.0 * rows["a"].to_numpy() + 10
    found = cross_val_score(Regressor(candidates="classic"), table, values, cv=2, error_score="raise")
    assert found.shape == (2,)
    model = Regressor(candidates="alone", epochs=1).fit(table, values)
    empty = model.predict(pd.DataFrame({"a": [np.nan, 0.5], "b": [np.nan, 1.0]}))
    assert empty.dtype == np.float64
    assert empty[0] == pytest.approx(model.model_.prior[0])


def numbers(num: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Two columns, of which the first tells the class."""
    generator, classes = np.random.default_rng(0), np.arange(num) % 2
    return np.stack([2 * classes + generator.normal(0, 0.4, num), generator.normal(size=num)], axis=1), classes


def test_arrays_of_numbers_in_a_pipeline() -> None:
    x, classes = numbers()
    rows = pd.DataFrame(x, columns=["a", "b"])
    pipe = make_pipeline(StandardScaler(), Classifier(candidates="classic")).fit(rows, classes)
    assert pipe.score(rows, classes) > 0.9
    learner = pipe[-1]
    assert (learner.n_features_in_, hasattr(learner, "feature_names_in_")) == (2, False)
    columns = learner.model_.facts.schema["columns"]
    assert [(c["name"], c["kind"]) for c in columns[:2]] == [("x0", "number"), ("x1", "number")]
    with pytest.raises(ValueError, match="X has 1 features, but Classifier is expecting 2 features"):
        learner.predict(x[:, :1])


def test_names_of_features_are_kept_and_held_against(fitted: Classifier) -> None:
    rows, _ = frame()
    assert fitted.feature_names_in_.tolist() == ["a", "b", "note"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(rows.rename(columns={"a": "c"}))
    assert fitted.predict({"note": ["high tide"]}).shape == (1,)  # what is no frame may lack columns, as elsewhere


@pytest.mark.parametrize(("candidates", "epochs"), [("classic", 1), ("alone", 30)])
def test_rows_that_count_more_are_learned(candidates: str, epochs: int) -> None:
    x, classes = numbers()
    told = np.where(np.arange(60) < 24, classes, 1 - classes)  # the longer part says the opposite
    weights = np.where(np.arange(60) < 24, 1.0, 0.01)
    learner = Classifier(candidates=candidates, epochs=epochs).fit(x, told, sample_weight=weights)
    assert learner.score(x, classes) > 0.8  # 0.1 and 0.2 where all rows count the same


EQUIVALENCE = "a study draws its own validation and test rows, so a row twice is not a row that counts twice"
EXPECTED_TO_FAIL = {"check_sample_weight_equivalence_on_dense_data": EQUIVALENCE}
QUICK = [
    "complex_data", "do_not_raise_errors_in_init_or_set_params", "estimator_sparse_array", "estimator_sparse_tag",
    "estimators_empty_data_messages", "estimators_pickle", "estimators_unfitted", "fit1d", "get_params_invariance",
    "mixin_order", "n_features_in", "no_attributes_set_in_init", "parameters_default_constructible", "requires_y_none",
    "set_params", "supervised_y_no_nan", "valid_tag_types",
]  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_scikit_learn_checks(name: str) -> None:
    for learner, check in estimator_checks_generator(Regressor(candidates="classic", epochs=1)):
        if check.func.__name__ == f"check_{name}":
            return check(learner)
    raise LookupError(name)


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("learner", [Classifier, Regressor])
def test_all_checks_of_scikit_learn(learner: type) -> None:
    made = learner(candidates="classic", epochs=1)
    results = check_estimator(made, on_skip=None, on_fail=None, expected_failed_checks=EXPECTED_TO_FAIL)
    assert len(results) > 50
    assert {r["check_name"]: r["status"] for r in results if r["status"] not in ("passed", "skipped")} == dict.fromkeys(
        EXPECTED_TO_FAIL, "xfail"
    )


@pytest.mark.heavy
def test_what_searches_and_bags_over_columns() -> None:
    x, classes = numbers()
    learner = Classifier(candidates="classic", epochs=1)
    chosen = SequentialFeatureSelector(learner, n_features_to_select=1, cv=2).fit(x, classes)
    assert chosen.get_support().tolist() == [True, False]
    assert BaggingClassifier(learner, n_estimators=2, random_state=0).fit(x, classes).score(x, classes) > 0.9
    pipe = make_pipeline(StandardScaler(), learner).set_output(transform="polars")
    search = GridSearchCV(pipe, {"classifier__balance": [True, False]}, cv=2, error_score="raise")
    assert search.fit(pd.DataFrame(x, columns=["a", "b"]), classes).best_score_ > 0.9


@pytest.mark.heavy
def test_a_grid_search_over_the_fusion_plan() -> None:
    rows, labels = frame(24)
    plans: list[Any] = ["parallel(text, tabular)", "sequential(text, tabular, by=gru)"]
    search = GridSearchCV(Classifier(epochs=1, kinds=KINDS), {"fusion": plans}, cv=2, error_score="raise")
    search.fit(rows, labels)
    assert search.best_params_["fusion"] in plans
    assert search.best_estimator_.model_.facts["winner"].startswith(search.best_params_["fusion"][:8])
    assert len(search.predict(rows)) == 24


def test_what_is_not_fitted_or_wrong_is_told() -> None:
    rows, labels = frame(24)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        Classifier().predict(rows)
    with pytest.raises(RequestError, match="there is no modality 'imgae'"):
        Classifier(fusion="parallel(imgae, text)", kinds=KINDS).fit(rows, labels)
    with pytest.raises(RequestError, match=r"labels have the shape \(3,\); expected \(24,\)"):
        Classifier().fit(rows, labels[:3])
