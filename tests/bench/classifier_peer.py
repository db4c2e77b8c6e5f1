#!/usr/bin/python3
"""torchvision's side of bench_classifier.py: steps of training by PyTorch, channels last, one for each line "step".

    classifier_peer.py ARCHITECTURE SIDE MINIBATCH f32|bf16 [cpu|cuda [compiled]]"""

import resource
import sys
import time

import torch
import torchvision

name, side, n, precision = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
device = sys.argv[5] if len(sys.argv) > 5 else "cpu"
options = {"aux_logits": False, "init_weights": False} if name == "inception_v3" else {}
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.allow_tf32 = False  # f32 is f32 on both sides
model = getattr(torchvision.models, name)(weights=None, **options).train().to(device, memory_format=torch.channels_last)
images = torch.randn(n, 3, side, side).to(device, memory_format=torch.channels_last)
labels = torch.zeros(n, dtype=torch.long, device=device)
if sys.argv[6:] == ["compiled"]:
    model = torch.compile(model)


def step():
    model.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16"):
        logits = model(images)
    torch.nn.functional.cross_entropy(logits.float(), labels).backward()
    if device == "cuda":
        torch.cuda.synchronize()


for line in sys.stdin:
    if line == "step\n":
        wall, cpu = time.monotonic(), time.process_time()
        step()
        print(time.monotonic() - wall, time.process_time() - cpu, flush=True)
    elif device == "cuda":
        print(torch.cuda.max_memory_reserved(), flush=True)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
