#!/usr/bin/python3
"""torchvision's side of bench_classifier.py: steps of training by PyTorch, channels last, one for each line "step"."""

import resource
import sys
import time

import torch
import torchvision

name, side, n, precision = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
options = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
model = getattr(torchvision.models, name)(weights=None, **options).train().to(memory_format=torch.channels_last)
images = torch.randn(n, 3, side, side).to(memory_format=torch.channels_last)
labels = torch.zeros(n, dtype=torch.long)


def step():
    model.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits = model(images)
    torch.nn.functional.cross_entropy(logits.float(), labels).backward()


for line in sys.stdin:
    if line == "step\n":
        wall, cpu = time.monotonic(), time.process_time()
        step()
        print(time.monotonic() - wall, time.process_time() - cpu, flush=True)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
