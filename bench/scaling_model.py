#!/usr/bin/env python3
"""Predicts how training scales from 1 to 512 GPUs, from parts measured on few.

    python3 bench/scaling_model.py                                    # the assumptions of scaling_parts.json
    python3 bench/scaling_model.py --log runs/mine/log.jsonl --ranks 1 --pairs-per-rank 128
    python3 bench/scaling_model.py --pairs-per-second 4200 --fabric infiniband --json out.json

A step on one of N ranks takes: its pairs through the encoder, two gathers, its share of the loss, and what the sum of
the gradients takes beyond the backward pass that hides it. Times in milliseconds. Needs Python alone.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
from dataclasses import asdict, dataclass

WORLDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
HIDEABLE_SHARE_OF_COMPUTE = 0.6  # the backward pass, less its first layers
LEAST_EXPOSED = 0.15  # of the sum: the last bucket has nothing left to hide behind


@dataclass
class Fabric:
    name: str
    gpus_per_node: int
    inside_bytes_per_second: float  # that a GPU really gets, not the link's name plate
    inside_latency_ms: float  # of one collective
    across_bytes_per_second: float
    across_latency_ms: float  # of one level of a tree over nodes

    def link(self, ranks):
        """Bytes per second and latency in ms of a collective over so many ranks."""
        nodes = -(-ranks // self.gpus_per_node)
        if nodes == 1:
            return self.inside_bytes_per_second, self.inside_latency_ms
        return self.across_bytes_per_second, self.inside_latency_ms + self.across_latency_ms * math.log2(nodes)


@dataclass
class Network:
    embedding_size: int
    gradient_bytes: int  # with the batch statistics that travel along
    loss_flops_per_second: float


@dataclass
class Prediction:
    ranks: int
    pairs_per_step: int
    compute_ms: float
    gather_ms: float
    loss_ms: float
    reduce_ms: float
    exposed_reduce_ms: float  # when the sum overlaps the backward pass
    efficiency: float  # pairs a second and rank, as share of one rank's, without overlap
    efficiency_overlapped: float

    @property
    def bottleneck(self):
        parts = {"gather": self.gather_ms, "loss": self.loss_ms, "sum of gradients": self.reduce_ms}
        return max(parts, key=parts.get) if self.ranks > 1 else "-"


def predict(network, fabric, ranks, pairs_per_rank, pairs_per_second):
    """One line of the table, for weak scaling: the pairs of a rank stay, the step grows."""
    pairs = ranks * pairs_per_rank
    d = network.embedding_size
    compute = 1e3 * pairs_per_rank / pairs_per_second
    flops = 10 * pairs_per_rank * d * (pairs + d)
    loss = 1e3 * flops / network.loss_flops_per_second
    gather = reduce = 0.0
    if ranks > 1:
        bandwidth, latency = fabric.link(ranks)
        others = (ranks - 1) / ranks
        embeddings, rows = 2 * pairs * d * 4, pairs * 4 * 4
        gather = 2 * latency + 1e3 * others * (embeddings + rows) / bandwidth
        reduce = latency + 1e3 * 2 * others * network.gradient_bytes / bandwidth
    exposed = max(LEAST_EXPOSED * reduce, reduce - HIDEABLE_SHARE_OF_COMPUTE * compute)
    # The compute of a measured step contains the loss of one rank.
    alone = 1e3 * 10 * pairs_per_rank * d * (pairs_per_rank + d) / network.loss_flops_per_second
    extra = gather + loss - alone
    return Prediction(ranks, pairs, compute, gather, loss, reduce, exposed,
                      compute / (compute + extra + reduce), compute / (compute + extra + exposed))


def pairs_per_second_of(log, ranks):
    """Of one rank: the median over the training lines of a run's log, without the first ones."""
    rates = []
    try:
        lines = pathlib.Path(log).read_text().splitlines()
    except OSError as error:
        sys.exit(f"scaling_model: {error}")
    for line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # a killed run's last line
        if row.get("kind") == "train":
            rates.append(row["pairs_per_second"])
    if len(rates) < 3:
        sys.exit(f"scaling_model: {log} has {len(rates)} lines of training; expected 3 or more")
    return statistics.median(rates[len(rates) // 5:]) / ranks


def print_table(fabric, predictions):
    print(f"\n{fabric.name}: {fabric.gpus_per_node} GPUs a node, {fabric.inside_bytes_per_second / 1e9:g} GB/s inside, "
          f"{fabric.across_bytes_per_second / 1e9:g} GB/s across")
    print("| ranks | K | compute ms | gather ms | loss ms | sum ms | efficiency | with overlap | largest extra |")
    print("|---|---|---|---|---|---|---|---|---|")
    for p in predictions:
        print(f"| {p.ranks} | {p.pairs_per_step:,} | {p.compute_ms:.1f} | {p.gather_ms:.2f} | {p.loss_ms:.2f} | "
              f"{p.reduce_ms:.2f} | {100 * p.efficiency:.0f} % | {100 * p.efficiency_overlapped:.0f} % | "
              f"{p.bottleneck} |")


def positive(text):
    value = float(text)
    if not value > 0 or math.isinf(value):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def positive_int(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=pathlib.Path, default=pathlib.Path(__file__).parent / "scaling_parts.json",
                        help="network, fabrics and an assumed GPU")
    parser.add_argument("--pairs-per-second", type=positive, help="of one GPU, measured")
    parser.add_argument("--log", help="log.jsonl of a run: its rate is taken")
    parser.add_argument("--ranks", type=positive_int, default=1, help="of the run with that log")
    parser.add_argument("--pairs-per-rank", type=positive_int, help="pairs of a step on one GPU")
    parser.add_argument("--fabric", help="only this one of the parts")
    parser.add_argument("--json", type=pathlib.Path, help="file for the table")
    arguments = parser.parse_args()
    try:
        parts = json.loads(arguments.parts.read_text())
        network = Network(**parts["network"])
        fabrics = [Fabric(**fabric) for fabric in parts["fabrics"]]
        rate, source = parts["gpu"]["pairs_per_second"], parts["gpu"]["source"]
        pairs = arguments.pairs_per_rank or parts["gpu"]["pairs_per_rank"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"scaling_model: {arguments.parts}: {error}")
    if arguments.fabric:
        names = [fabric.name for fabric in fabrics]
        fabrics = [fabric for fabric in fabrics if fabric.name == arguments.fabric]
        if not fabrics:
            sys.exit(f"scaling_model: no fabric '{arguments.fabric}' in {arguments.parts}; there are {', '.join(names)}")
    if arguments.log:
        rate, source = pairs_per_second_of(arguments.log, arguments.ranks), f"measured: {arguments.log}"
    if arguments.pairs_per_second:
        rate, source = arguments.pairs_per_second, "given"
    print(f"{rate:,.0f} pairs/s of one GPU ({source}), {pairs} pairs a rank. A prediction, not a measurement.")
    table = {}
    for fabric in fabrics:
        predictions = [predict(network, fabric, ranks, pairs, rate) for ranks in WORLDS]
        print_table(fabric, predictions)
        table[fabric.name] = [asdict(p) | {"bottleneck": p.bottleneck} for p in predictions]
    if arguments.json:
        arguments.json.write_text(json.dumps({"pairs_per_second": rate, "source": source, "predictions": table}, indent=1))


if __name__ == "__main__":
    main()
