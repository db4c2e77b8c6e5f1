"""`roentgym classify train` beside PyTorch: torchvision's ResNet-18 from the same first weights on the same images
with torch.optim.AdamW, the same loss, warm-up and cosine, in f32. Every minibatch is the whole training part, so
that the order of images plays no part. First weights are those of a training whose steps are next to nothing."""

import csv
import json
import math
import os
import struct
import subprocess
import tempfile
import unittest

try:
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    from sklearn.metrics import roc_auc_score
except ImportError as why:
    raise unittest.SkipTest(f"no torchvision or scikit-learn: {why}")

PROGRAM = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "roentgym")
SIDE, IMAGES, STEPS, EPOCHS, STEP_SIZE, DECAY = 32, 32, 16, 2, 3e-4, 0.3
MEAN, DEVIATION = (torch.tensor(v, dtype=torch.float32).view(1, 3, 1, 1)
                   for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def weights_of(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__")
    return {name: torch.from_numpy(np.frombuffer(data[8 + length:][slice(*entry["data_offsets"])], np.float32)
                                   .reshape(entry["shape"]).copy()) for name, entry in header.items()}


class Training(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        random = np.random.default_rng(5)
        rows = ["file,label,patient_id,split"]
        for i in range(IMAGES):
            sick = i % 4 == 0
            pixels = random.normal(110, 30, (SIDE, SIDE))
            pixels[8:20, 8:20] += 40 * sick
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(os.path.join(self.folder, f"{i}.png"))
            rows.append(f"{i}.png,{'sick' if sick else 'fit'},p{i},{'test' if i >= 24 else 'train'}")
        with open(os.path.join(self.folder, "labels.csv"), "w", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
        with open(os.path.join(self.folder, "dataset.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "noise", "simulated": True}, file)

    def run_program(self, *arguments):
        done = subprocess.run([PROGRAM, "classify", *map(str, arguments)], capture_output=True, text=True, check=False,
                              env={**os.environ, "ROENTGYM_CUDA_LIBRARY": "none"})
        self.assertEqual(done.stderr, "")
        return done.stdout

    def train(self, name, *more):
        """(weights, what training.json says)"""
        out = os.path.join(self.folder, name)
        self.run_program("train", "--data", self.folder, "--out", out, *more)
        with open(os.path.join(out, "training.json"), encoding="utf-8") as file:
            return os.path.join(out, "classifier.safetensors"), json.load(file)

    def images(self, files):
        grey = np.stack([np.asarray(Image.open(os.path.join(self.folder, file))) for file in files])
        truth = torch.tensor([int(file.split(".")[0]) % 4 == 0 for file in files], dtype=torch.float32)
        return (torch.from_numpy(grey).float()[:, None] / 255 - MEAN) / DEVIATION, truth

    def torch_history(self, first, log):
        """[(loss, validation AUC)] of each epoch, and the networks at their ends."""
        model = torchvision.models.resnet18(weights=None, num_classes=1)
        missing, unknown = model.load_state_dict(
            {k: v for k, v in first.items() if "running" not in k}, strict=False)
        self.assertEqual((unknown, [k for k in missing if "running" not in k and "num_" not in k]), ([], []))
        decaying = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        optimiser = torch.optim.AdamW([{"params": decaying, "weight_decay": DECAY},
                                       {"params": others, "weight_decay": 0}])
        images, truth = self.images(log["trained_on"]["files"])
        held_out, held_truth = self.images(log["validated_on"]["files"])
        count, sick = len(truth), truth.sum()
        weight = torch.where(truth > 0, count / (2 * sick), count / (2 * (count - sick)))
        history, states = [], []
        for epoch in range(EPOCHS):
            losses = []
            model.train()
            for step in range(epoch * STEPS + 1, (epoch + 1) * STEPS + 1):
                after = (step - STEPS) / (STEPS * (EPOCHS - 1) + 1)
                share = step / STEPS if step <= STEPS else 0.5 * (1 + math.cos(math.pi * after))
                for group in optimiser.param_groups:
                    group["lr"] = STEP_SIZE * share
                logits = model(images)[:, 0]
                loss = (weight * torch.nn.functional.binary_cross_entropy_with_logits(
                    logits, truth, reduction="none")).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                losses.append(loss.item())
            model.eval()
            with torch.no_grad():
                history.append((np.mean(losses), roc_auc_score(held_truth, model(held_out)[:, 0])))
            states.append({k: v.clone() for k, v in model.state_dict().items()})
        return history, model, states

    def test_losses_validation_and_scores_follow_pytorchs(self):
        first, log = self.train("first", "--epochs", 1, "--step-size", 1e-9, "--weight-decay", 0, "--minibatch", 8)
        count = log["trained_on"]["images"]
        weights, log = self.train("run", "--epochs", EPOCHS, "--step-size", STEP_SIZE, "--weight-decay", DECAY,
                                  "--minibatch", count)
        history, model, states = self.torch_history(weights_of(first), log)
        for (loss, auc), got in zip(history, log["history"], strict=True):
            print(f"# loss {got['loss']:.6f}, PyTorch's {loss:.6f}")
            self.assertAlmostEqual(got["loss"] / loss, 1, delta=2e-3)
            self.assertAlmostEqual(got["validation_auc"], auc, delta=1e-6)
        model.load_state_dict(states[log["epoch"] - 1])
        table = os.path.join(self.folder, "scores.csv")
        self.run_program("score", "--weights", weights, "--data", self.folder, "--out", table)
        with open(table, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with torch.no_grad():
            wanted = torch.sigmoid(model.eval()(self.images([row["file"] for row in rows])[0])[:, 0])
        worst = max(abs(float(row["score"]) - want.item()) for row, want in zip(rows, wanted, strict=True))
        print(f"# worst score off by {worst:.1e}")
        self.assertLess(worst, 0.02)


if __name__ == "__main__":
    unittest.main()
