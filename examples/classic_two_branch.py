"""The classic two-branch program, pictures beside sounds as arrays, in plait's words.

Elsewhere this is a page of layers: a convolutional branch for the picture, one for the sound, a concatenation, a dense
layer, a training loop. Here the branches are modalities and the concatenation is the plan `parallel(image, audio)`.

Run it: python examples/classic_two_branch.py            about a minute on two cores
"""

from __future__ import annotations

import sys

import numpy as np

import plait

CLASSES = 4
RATE = 22050  # Hz


def make_data(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images (rows, 224, 224, 3) uint8, waves (rows, 22050, 1) float32 and one-hot labels (rows, class).

    A class is a direction of stripes in the picture and a pitch in the sound, both under noise.
    """
    classes = generator.permutation(np.arange(rows) % CLASSES)
    labels = np.eye(CLASSES, dtype=np.float32)[classes]
    images = np.empty((rows, 224, 224, 3), np.uint8)
    waves = np.empty((rows, RATE, 1), np.float32)
    across, down = np.meshgrid(np.arange(224), np.arange(224))
    seconds = np.arange(RATE) / RATE
    for row, number in enumerate(classes):
        angle, phase = np.pi * number / CLASSES, generator.uniform(0, 2 * np.pi)
        stripes = np.sin((across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / 32 + phase)
        noise = generator.normal(0, 40, (224, 224, 3))
        images[row] = (128 + 60 * stripes[:, :, None] + noise).clip(0, 255)
        pitch = 220 * 2**number * generator.uniform(0.97, 1.03)  # Hz
        waves[row, :, 0] = 0.3 * np.sin(2 * np.pi * pitch * seconds) + generator.normal(0, 0.1, RATE)
    return images, waves, labels


def main(rows: int = 240) -> float:
    """Fit on `rows` rows, predict 80 new ones, and return the share that is right."""
    generator = np.random.default_rng(0)
    images, waves, labels = make_data(rows, generator)
    new_images, new_waves, new_labels = make_data(80, generator)

    model = plait.fit(
        {"image": images, "audio": waves},
        labels,
        fusion="parallel(image, audio)",
        epochs=10,
        batch_size=32,
        sample_rate=RATE,
    )
    print(model.summary())

    answers = model.predict({"image": new_images, "audio": new_waves})
    accuracy = float(np.mean(np.array(answers.labels) == new_labels.argmax(axis=1)))
    print(f"\naccuracy on {len(answers)} new rows: {accuracy:.3f}")
    return accuracy


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
