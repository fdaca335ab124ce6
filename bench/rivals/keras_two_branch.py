"""The classic Keras program with a branch for pictures and one for sounds, joined by concatenation.

python bench/rivals/keras_two_branch.py FOLDER    with the arrays that arrays.py wrote
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

EPOCHS, BATCH = 10, 32


def main(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    images = np.load(folder / "images.npy")[..., None]
    sounds = np.load(folder / "sounds.npy")[..., None]
    labels, splits = np.load(folder / "labels.npy"), np.load(folder / "splits.npy")
    train, test = splits == "train", splits == "test"

    picture = keras.Input((64, 64, 1))
    sound = keras.Input((8000, 1))
    seen = layers.Flatten()(layers.Conv2D(64, (3, 3), activation="relu")(picture))
    heard = layers.Flatten()(layers.Dense(64, activation="relu")(sound))
    joined = layers.Concatenate()([seen, heard])
    hidden = layers.Dense(64, activation="relu")(layers.Dense(128, activation="relu")(joined))
    model = keras.Model([picture, sound], layers.Dense(10, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    began = time.perf_counter()
    model.fit([images[train], sounds[train]], labels[train], epochs=EPOCHS, batch_size=BATCH, verbose=2)
    taken = time.perf_counter() - began
    said = model.predict([images[test], sounds[test]], verbose=0).argmax(1)
    import tensorflow

    answer = {
        "accuracy": float((said == labels[test]).mean()),
        "seconds_fit": taken,
        "parameters": model.count_params(),
        "versions": {"tensorflow": tensorflow.__version__, "keras": keras.__version__},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
