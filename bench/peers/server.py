#!/usr/bin/env python3
"""The peers' side of `cargo xtask bench --peers`: other libraries, served over lines.

    python bench/peers/server.py THREADS PROCESSORS

The requests and answers are those of crates/rewire-train/benches/peers/main.rs, which also writes
the arrays that are read here. PROCESSORS is a list such as `0,1`, or `-` for wherever the system
puts the threads. `facts` answers with the versions of what is here, as JSON.
"""
import os
import sys

THREADS, PROCESSORS = int(sys.argv[1]), sys.argv[2]
# The libraries read these once, when they are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(THREADS)
os.environ["MKL_INTERFACE_LAYER"] = "LP64"
os.environ["MKL_THREADING_LAYER"] = "SEQUENTIAL" if THREADS == 1 else "INTEL"
if PROCESSORS != "-":
    places = PROCESSORS.split(",")[:THREADS]
    os.environ["OMP_PROC_BIND"] = "true"
    os.environ["OMP_PLACES"] = ",".join(f"{{{place}}}" for place in places)
    os.sched_setaffinity(0, {int(place) for place in places})

import glob
import importlib.metadata
import json
import statistics
import time
import warnings

import torch

import networks
import products

# PyTorch warns that its sparse tensors are young.
warnings.simplefilter("ignore")
torch.set_num_threads(THREADS)


def waited():
    """Seconds that this thread has stood ready without a processor; all threads, where several work."""
    total = 0
    for path in ["/proc/thread-self/schedstat"] if THREADS == 1 else glob.glob("/proc/self/task/*/schedstat"):
        try:
            with open(path) as file:
                total += int(file.read().split()[1])
        except OSError:
            pass
    return 1e-9 * total


def facts():
    found = {}
    for name in ["torch", "numpy", "scipy", "mkl", "onnxruntime"]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    found["python"] = sys.version.split()[0]
    return json.dumps(found)


class Server:
    def __init__(self):
        self.case, self.works = None, {}

    def answer(self, words):
        match words:
            case ["facts"]:
                return facts()
            case ["layer", folder, _, samples, outputs, inputs, _]:
                self.case, self.works = None, {}
                self.case = products.Layer(folder, int(samples), int(outputs), int(inputs))
                return str(self.case.n_active)
            case ["network", folder, _, samples, _, *sizes]:
                self.case, self.works = None, {}
                sizes = [int(size) for size in sizes]
                self.case = networks.Network(folder, int(samples), sizes, THREADS)
                return str(self.case.n_active)
            case ["answer", candidate, product, file]:
                self.case.result(candidate, product).tofile(file)
                return ""
            case ["time", candidate, product, warm, runs]:
                return self.time(candidate, product, int(warm), int(runs))
        raise ValueError(f"`{' '.join(words)}` is no request")

    def time(self, candidate, product, warm, runs):
        work = self.works.get((candidate, product))
        if work is None:
            work = self.works[candidate, product] = self.case.work(candidate, product)
        for _ in range(warm):
            work()
        times, lost, clock = [], 0.0, time.perf_counter
        for _ in range(runs):
            outside, before = clock(), waited()
            start = clock()
            work()
            end = clock()
            interrupted = waited() - before
            # Waiting may fall between the clock and the question about it.
            outside = clock() - outside - (end - start)
            lost += interrupted
            inside = max(0.0, interrupted - outside) if THREADS == 1 else 0.0
            times.append(end - start - inside)
        return f"{statistics.median_high(times):e} {lost:e}"


def main():
    server = Server()
    for line in sys.stdin:
        try:
            print("ok", server.answer(line.split()), flush=True)
        except Exception as error:
            text = str(error).replace("\n", " ")
            print(f"error {type(error).__name__}: {text}", flush=True)


if __name__ == "__main__":
    main()
