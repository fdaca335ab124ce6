"""What a careful person runs on a table in plait's place: gradient boosting, a linear learner with TF-IDF, AutoGluon.

Each is given (rows to learn from, rows to answer, target, classes or None), frames of pandas with codes of classes, and
returns probabilities (row, class), or numbers. bench/bench_real.py compares them. By itself it is the program that
AutoGluon runs in, which needs an environment of its own: PYTHON real_rivals.py FOLDER CLASSES.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import pandas as pd

SECONDS = 300  # of the clock that AutoGluon may take; it ends sooner by itself, but on busy cores


def is_text(column: pd.Series) -> bool:
    """Whether a careful person would read it as text: most cells differ, and are of several words."""
    cells = column.dropna()
    words = pd.api.types.is_string_dtype(column) and cells.str.split().str.len().mean() > 3
    return bool(words or (pd.api.types.is_string_dtype(column) and cells.str.len().mean() > 25))


def sort_columns(frame: pd.DataFrame) -> tuple[list[str], list[str], list[str]]:
    """Return numbers, categories, texts."""
    texts = [name for name in frame if is_text(frame[name])]
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    return numbers, [name for name in frame if name not in (*texts, *numbers)], texts


def typed(train: pd.DataFrame, test: pd.DataFrame, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both without texts, and with categories of one coding: the most common of training."""
    numbers, codes, _ = sort_columns(train)
    out = train[numbers + codes].copy(), test[numbers + codes].copy()
    for name in codes:
        known = train[name].value_counts().index[:most]
        for frame in out:
            frame[name] = pd.Categorical(frame[name], categories=known)
    return out


def histogram(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, new = typed(x, new, 250)
    model = (HistGradientBoostingRegressor if classes is None else HistGradientBoostingClassifier)(random_state=0)
    return say(model.fit(x, y), new, classes)


def lightgbm(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any) -> Any:
    import lightgbm as lgb

    x, new = typed(x, new, 10_000)
    held = hold_out(y, classes)
    kind = lgb.LGBMRegressor if classes is None else lgb.LGBMClassifier
    model = kind(n_estimators=1000, learning_rate=0.05, verbose=-1, n_jobs=1, random_state=0)
    model.fit(x[~held], y[~held], eval_set=[(x[held], y[held])], callbacks=[lgb.early_stopping(50, verbose=False)])
    return say(model, new, classes)


def catboost(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any) -> Any:
    import catboost as cat

    _, codes, texts = sort_columns(x)
    x, new = (frame.fillna(dict.fromkeys(codes + texts, "")) for frame in (x, new))
    held = hold_out(y, classes)
    kind = cat.CatBoostRegressor if classes is None else cat.CatBoostClassifier
    told = {"thread_count": 1, "verbose": False, "random_seed": 0, "allow_writing_files": False}
    model = kind(cat_features=codes, text_features=texts, early_stopping_rounds=50, **told)
    return say(model.fit(x[~held], y[~held], eval_set=(x[held], y[held])), new, classes)


def linear(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any) -> Any:
    """TF-IDF of texts, a column for each category, standardised numbers, and one linear learner."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, codes, texts = sort_columns(x)
    x, new = (frame.fillna(dict.fromkeys(texts, "")) for frame in (x, new))
    words = [(f"words {name}", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), name) for name in texts]
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    coded = OneHotEncoder(handle_unknown="ignore")
    parts = ColumnTransformer([*words, ("numbers", scaled, numbers), ("codes", coded, codes)], sparse_threshold=1.0)
    model: Any = RidgeCV(np.logspace(-2, 3, 11))
    if classes is not None:
        model = LogisticRegressionCV(Cs=6, cv=3, max_iter=300, scoring="neg_log_loss")
    return say(make_pipeline(parts, model).fit(x, y), new, classes)


def autogluon(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any, python: str = "") -> Any:
    """In a program of its own, this one, by the python of its environment."""
    if not python:
        raise ImportError("no --autogluon PYTHON")
    with tempfile.TemporaryDirectory() as place:
        x.assign(sought=y).to_csv(f"{place}/x.csv", index=False)
        new.to_csv(f"{place}/new.csv", index=False)
        classes_or_none = "" if classes is None else str(len(classes))
        subprocess.run([python, __file__, place, classes_or_none], check=True, capture_output=True)
        return np.load(f"{place}/answers.npy")


def answer_autogluon(place: str, classes: str) -> None:
    """Answer the rows of new.csv by those of x.csv."""
    from autogluon.tabular import TabularPredictor

    kind = {"eval_metric": "log_loss"} if classes else {"problem_type": "regression"}
    model = TabularPredictor("sought", path=f"{place}/model", verbosity=0, **kind)
    model.fit(pd.read_csv(f"{place}/x.csv"), time_limit=SECONDS, presets="medium_quality", num_cpus=1)
    new = pd.read_csv(f"{place}/new.csv")
    said = (
        model.predict_proba(new).reindex(columns=range(int(classes)), fill_value=0) if classes else model.predict(new)
    )
    np.save(f"{place}/answers.npy", said.to_numpy())


def hold_out(y: Any, classes: Any) -> Any:
    """Return which rows say when to stop: one in seven; every class keeps one to learn from."""
    held = np.random.default_rng(0).random(len(y)) < 1 / 7
    for code in classes if classes is not None else []:
        held[np.flatnonzero(y == code)[0]] = False
    return held


def say(model: Any, new: pd.DataFrame, classes: Any) -> Any:
    if classes is None:
        return np.ravel(model.predict(new))
    known = [int(code) for code in model.classes_]
    out = np.zeros((len(new), len(classes)))
    out[:, known] = model.predict_proba(new)
    return out


RIVALS = {"histogram": histogram, "lightgbm": lightgbm, "catboost": catboost, "linear": linear, "autogluon": autogluon}

if __name__ == "__main__":
    answer_autogluon(*sys.argv[1:])
