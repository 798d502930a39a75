"""The contrastive loss as people write it in PyTorch: the whole matrix with autograd; over two processes with
torch.distributed's differentiable all_gather.

usage: loss_peer.py EMBEDDING_SIZE THREADS
The first line is answered with "ready", or with what is missing; "whole K" with the seconds of loss and gradients
and the bytes at their peak; "ranks K" with the seconds over two processes of one thread each.
"""
import ctypes
import multiprocessing
import os
import re
import sys
import tempfile
import time

try:
    import torch
    gloo = torch.distributed.is_available() and torch.distributed.is_gloo_available()
    missing = None if gloo else "torch.distributed without gloo"
except ImportError as error:
    missing = str(error)

RANKS = 2


def leaf(*shape, scale=None):
    values = torch.randn(*shape).tanh() if scale is None else torch.randn(*shape) * scale
    return values.requires_grad_(True)


def pages(name):
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(name + r":\s+(\d+)", status.read()).group(1))


def whole(size, num_pairs):
    anchors, positives, w = leaf(num_pairs, size), leaf(num_pairs, size), leaf(size, size, scale=0.05)
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before, start = pages("VmRSS"), time.perf_counter()
    similarity = anchors @ w @ positives.T
    torch.nn.functional.cross_entropy(similarity, torch.arange(num_pairs)).backward()
    return f"{time.perf_counter() - start} {pages('VmHWM') - before}"


def rank_main(rank, size, store, pipe):
    import torch.distributed.nn.functional as collectives
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=RANKS)
    w = leaf(size, size, scale=0.05)
    while num_pairs := pipe.recv():
        own = num_pairs // RANKS
        anchors, positives = leaf(own, size), leaf(own, size)
        torch.distributed.barrier()
        start = time.perf_counter()
        candidates = torch.cat(collectives.all_gather(positives))
        similarity = anchors @ w @ candidates.T
        torch.nn.functional.cross_entropy(similarity, torch.arange(own) + rank * own).backward()
        torch.distributed.barrier()
        pipe.send(time.perf_counter() - start)


class Ranks:
    def __init__(self, size):
        self.folder = tempfile.TemporaryDirectory()
        spawn = multiprocessing.get_context("spawn")
        self.pipes = []
        for rank in range(RANKS):
            ours, theirs = spawn.Pipe()
            arguments = (rank, size, os.path.join(self.folder.name, "store"), theirs)
            spawn.Process(target=rank_main, args=arguments, daemon=True).start()
            self.pipes.append(ours)

    def seconds(self, num_pairs):
        for pipe in self.pipes:
            pipe.send(num_pairs)
        return [pipe.recv() for pipe in self.pipes][0]

    def close(self):
        for pipe in self.pipes:
            pipe.send(0)


def main():
    size, threads = int(sys.argv[1]), int(sys.argv[2])
    sys.stdin.readline()
    if missing:
        print(missing, flush=True)
        return
    torch.set_num_threads(threads)
    ranks = Ranks(size)
    print("ready", flush=True)
    for line in sys.stdin:
        what, num_pairs = line.split()
        print(whole(size, int(num_pairs)) if what == "whole" else ranks.seconds(int(num_pairs)), flush=True)
    ranks.close()


if __name__ == "__main__":
    main()
