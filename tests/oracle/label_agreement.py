#!/usr/bin/python3
"""Do a generator's samples show the class they were asked for?

    label_agreement.py DATASET SAMPLES

Trains a small convolutional network (PyTorch) on the training split of DATASET, a folder with labels.csv,
and scores its test split and SAMPLES, a folder that `roentgym sample --out` has written.
Prints both areas under the ROC curve: the first is what this network can see at all, the second how far
samples agree with the labels they were conditioned on. A few minutes on two cores.
"""
import csv
import pathlib
import sys

import numpy
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

SIDE, EPOCHS, BATCH = 128, 12, 32
POSITIVE = "fracture"


def load(path):
    with Image.open(path) as image:
        grey = numpy.asarray(image.convert("L").resize((SIDE, SIDE), Image.BOX), dtype=numpy.float32)
    return (grey - 64) / 64


def load_split(dataset, split=None):
    with open(dataset / "labels.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == (split or row["split"])]
    images = numpy.stack([load(dataset / row["file"]) for row in rows])
    return images, numpy.array([row["label"] == POSITIVE for row in rows])


def make_network():
    layers, width = [], 1
    for outputs in (16, 32, 48, 64, 96):
        layers += [
            torch.nn.Conv2d(width, outputs, 3, stride=2, padding=1),
            torch.nn.BatchNorm2d(outputs),
            torch.nn.ReLU(),
        ]
        width = outputs
    return torch.nn.Sequential(
        *layers, torch.nn.Flatten(), torch.nn.Dropout(0.3), torch.nn.Linear(width * (SIDE // 32) ** 2, 1)
    )


def train(images, labels):
    torch.manual_seed(0)
    network = make_network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 2e-3, total_steps=EPOCHS * (len(labels) // BATCH)
    )
    weight = torch.tensor((len(labels) - labels.sum()) / labels.sum())
    x, y = torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(numpy.float32))
    for _ in range(EPOCHS):
        order = torch.randperm(len(y))
        for i in range(len(y) // BATCH):
            batch = order[i * BATCH : (i + 1) * BATCH]
            # Up to 8 pixels of shift, so that position alone teaches little.
            shift = tuple(torch.randint(-8, 9, (2,)).tolist())
            scores = network(torch.roll(x[batch], shift, dims=(2, 3)))[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, y[batch], pos_weight=weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def area(network, images, labels):
    with torch.no_grad():
        scores = torch.cat([network(part) for part in torch.from_numpy(images)[:, None].split(64)])
    return roc_auc_score(labels, scores[:, 0].numpy())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    dataset, samples = map(pathlib.Path, sys.argv[1:])
    network = train(*load_split(dataset, "train"))
    for name, (images, labels) in {
        "phantoms held out": load_split(dataset, "test"),
        "samples": load_split(samples),
    }.items():
        print(f"{name}: AUC {area(network, images, labels):.3f} ({labels.sum()} {POSITIVE} of {len(labels)})")


if __name__ == "__main__":
    main()
