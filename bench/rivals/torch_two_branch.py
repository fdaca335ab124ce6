"""The same two branches as keras_two_branch.py, written by hand in PyTorch with a plain DataLoader.

python bench/rivals/torch_two_branch.py FOLDER    with the arrays that arrays.py wrote
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, BATCH = 10, 32


class TwoBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(1, 64, 3), nn.ReLU(), nn.Flatten())
        self.sound = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Flatten())
        self.joined = nn.Sequential(
            nn.Linear(64 * 62 * 62 + 64 * 8000, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
        )

    def forward(self, images: Tensor, sounds: Tensor) -> Tensor:
        """images (batch, 1, 64, 64), sounds (batch, 8000, 1) → logits (batch, class)."""
        return self.joined(torch.cat([self.picture(images), self.sound(sounds)], 1))


def main(folder: Path) -> None:
    torch.manual_seed(0)
    images = torch.from_numpy(np.load(folder / "images.npy"))[:, None]
    sounds = torch.from_numpy(np.load(folder / "sounds.npy"))[..., None]
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    splits = np.load(folder / "splits.npy")
    train, test = torch.from_numpy(splits == "train"), torch.from_numpy(splits == "test")
    rows = DataLoader(TensorDataset(images[train], sounds[train], labels[train]), BATCH, shuffle=True)
    others = DataLoader(TensorDataset(images[test], sounds[test], labels[test]), BATCH)
    model = TwoBranches()
    optimizer = torch.optim.Adam(model.parameters())

    began = time.perf_counter()
    for _ in range(EPOCHS):
        model.train()
        for seen, heard, label in rows:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(seen, heard), label).backward()
            optimizer.step()
    taken = time.perf_counter() - began
    model.eval()
    with torch.inference_mode():
        right = sum(int((model(seen, heard).argmax(1) == label).sum()) for seen, heard, label in others)
    answer = {
        "accuracy": right / int(test.sum()),
        "seconds_fit": taken,
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": {"torch": torch.__version__},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
