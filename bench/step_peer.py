"""A training step of the same network as people write it in PyTorch.

usage: step_peer.py plain|best|cuda [fp32|tf32|bf16]
plain: float32 on the CPU as it comes. best: channels_last and autocast to bfloat16 there. cuda: on the first GPU in that
precision, bf16 by autocast. The first line is answered with "ready", or with what is missing; each further line
"PAIRS FRAMES" with the seconds of one step of that size, and "peak" with the bytes that the GPU held at most since the
last such line.
"""
import os
import sys
import time

sys.stdin.readline()
try:
    import torch
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/golden"))
    import make_golden
except ImportError as missing:
    print(missing, flush=True)
    sys.exit()

best, cuda = sys.argv[1] == "best", sys.argv[1] == "cuda"
precision = sys.argv[2] if cuda else "fp32"
device = "cuda" if cuda else "cpu"
if cuda and not torch.cuda.is_available():
    print("torch without CUDA", flush=True)
    sys.exit()
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
torch.manual_seed(1)
model = make_golden.Encoder(2).train()
torch.nn.init.normal_(model.similarity.w, std=0.05)
if best:
    model = model.to(memory_format=torch.channels_last)
model = model.to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
print("ready", flush=True)


def step(views):
    if best:
        views = views.contiguous(memory_format=torch.channels_last)
    optimizer.zero_grad()
    with torch.autocast(device, torch.bfloat16, enabled=best or precision == "bf16"):
        embeddings = model(views)
    anchors, positives = embeddings.float().chunk(2)
    similarity = anchors @ model.similarity.w @ positives.T
    loss = torch.nn.functional.cross_entropy(similarity, torch.arange(len(anchors), device=device))
    loss.backward()
    optimizer.step()
    return loss.item()


for line in sys.stdin:
    if line.strip() == "peak":
        print(torch.cuda.max_memory_allocated(), flush=True)
        torch.cuda.reset_peak_memory_stats()
        continue
    pairs, frames = map(int, line.split())
    views = torch.randn(2 * pairs, 2, 64, frames, device=device) * 10 - 40
    if cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    step(views)
    print(time.perf_counter() - start, flush=True)
