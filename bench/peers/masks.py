#!/usr/bin/env python3
"""Times what NumPy and PyTorch offer for the selections of `cargo bench -p rewire-mask`.

    python3 bench/peers/masks.py [--threads N]

Needs numpy; uses torch where it can be imported. Sizes and distributions are those of the benches:
25 million values, and 4096 x 4096 weights, standard normal. Every answer is checked against NumPy's
sort or against the 90 patterns before it is timed. Prints the median of five runs in milliseconds and
the ratio to a pure read (the sum of the same array) in the same process.
"""
import argparse
import itertools
import statistics
import time

import numpy as np

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=1)
arguments = parser.parse_args()
try:
    import torch

    torch.set_num_threads(arguments.threads)
except ImportError:
    torch = None


def median_ms(work, runs=5):
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def report(name, work, read_ms, runs=5):
    ms = median_ms(work, runs)
    print(f"| {name} | {ms:.1f} | {ms / read_ms:.1f} |", flush=True)


rng = np.random.default_rng(1)
values = rng.standard_normal(25_000_000, dtype=np.float32)
k = values.size // 10
weights = rng.standard_normal((4096, 4096), dtype=np.float32)
expected = np.sort(np.abs(values))[-k]

print("| peer | ms | x pure read |")
print("|---|---|---|")
if torch is not None:
    tensor, matrix = torch.from_numpy(values), torch.from_numpy(weights)
    read_values = median_ms(lambda: tensor.sum())
    read_weights = median_ms(lambda: matrix.sum())
else:
    read_values = median_ms(lambda: values.sum())
    read_weights = median_ms(lambda: weights.sum())
print(f"| pure read of 25 M | {read_values:.1f} | 1.0 |")


def numpy_kth():
    return np.partition(np.abs(values), values.size - k)[values.size - k]


assert numpy_kth() == expected
report("k-th magnitude of 25 M, numpy partition", numpy_kth, read_values)
if torch is not None:

    def torch_kth():
        return torch.kthvalue(tensor.abs(), tensor.numel() - k + 1).values

    def torch_topk():
        return torch.topk(tensor.abs(), k, sorted=False).values.min()

    assert torch_kth() == expected and torch_topk() == expected
    report("k-th magnitude of 25 M, torch kthvalue", torch_kth, read_values, 3)
    report("k-th magnitude of 25 M, torch topk", torch_topk, read_values, 3)

print(f"| pure read of 4096 x 4096 | {read_weights:.1f} | 1.0 |")
rows = [set(pair) for pair in itertools.combinations(range(4), 2)]
patterns = np.array(
    [
        [[float(col in row) for col in range(4)] for row in chosen]
        for chosen in itertools.product(rows, repeat=4)
    ],
    dtype=np.float32,
)
patterns = patterns[(patterns.sum(1) == 2).all(1)]
assert len(patterns) == 90


def numpy_2_4():
    groups = np.abs(weights).reshape(-1, 4)
    best = np.argpartition(groups, 2, axis=1)[:, 2:]
    mask = np.zeros(groups.shape, dtype=bool)
    np.put_along_axis(mask, best, True, axis=1)
    return mask


def numpy_transposable():
    tiles = np.abs(weights).reshape(1024, 4, 1024, 4).transpose(0, 2, 1, 3).reshape(-1, 16)
    return patterns[(tiles @ patterns.reshape(90, 16).T).argmax(1)]


mask = numpy_2_4()
assert (mask.sum(1) == 2).all()
groups = np.abs(weights).reshape(-1, 4)
assert (np.where(mask, groups, np.inf).min(1) >= np.where(mask, -np.inf, groups).max(1)).all()
tiles = numpy_transposable()
assert (tiles.sum(1) == 2).all() and (tiles.sum(2) == 2).all()
report("2:4 of 4096 x 4096, numpy argpartition", numpy_2_4, read_weights, 3)
report("transposable 2:4, numpy, 90 products", numpy_transposable, read_weights, 3)
if torch is not None:
    table = torch.from_numpy(patterns.reshape(90, 16).T.copy())

    def torch_2_4():
        groups = matrix.abs().view(-1, 4)
        return torch.zeros_like(groups, dtype=torch.bool).scatter_(1, groups.topk(2, dim=1).indices, True)

    def torch_transposable():
        tiles = matrix.abs().view(1024, 4, 1024, 4).transpose(1, 2).reshape(-1, 16)
        return table.T[(tiles @ table).argmax(1)]

    assert torch.equal(torch_2_4(), torch.from_numpy(mask))
    assert torch.equal(torch_transposable(), torch.from_numpy(tiles.reshape(-1, 16)))
    report("2:4 of 4096 x 4096, torch topk", torch_2_4, read_weights, 3)
    report("transposable 2:4, torch, 90 products", torch_transposable, read_weights, 3)

    active = torch.rand(4096, 4096) < 0.1
    gradient = torch.from_numpy(rng.standard_normal((4096, 4096), dtype=np.float32))
    n_active = int(active.sum())
    dropped = int(0.3 * n_active)

    def torch_rigl():
        keep = torch.topk((matrix.abs() * active).view(-1), n_active - dropped, sorted=False).indices
        after = torch.zeros(matrix.numel(), dtype=torch.bool)
        after[keep] = True
        scores = gradient.abs().view(-1).masked_fill(after, -1.0)
        after[torch.topk(scores, dropped, sorted=False).indices] = True
        return after

    assert int(torch_rigl().sum()) == n_active
    report("RigL update of 4096 x 4096 at .1, torch topk", torch_rigl, read_weights, 3)
