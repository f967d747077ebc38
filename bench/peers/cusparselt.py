"""Times cuSPARSELt's 2:4 product through PyTorch.

    python bench/peers/cusparselt.py ELEMENT REPEAT OUT,TOKENS,INNER...

`cargo xtask gpu bench` runs it. A turn is one product on each of several sets of operands, together more
than three times the second-level cache; its time by the GPU's clock is divided by their number. The
first three turns warm up, and the algorithm is the one that cuSPARSELt's own search finds. For every
shape a line is printed: its numbers and the median of the seconds. Where there is no such product, the
last line is `absent: ` and the reason, and the exit status 3.
"""
import statistics
import sys

WARM = 3
MOST_SETS = 64
# Cycles: about 10 ms.
SLEEP = 20_000_000


def absent(reason):
    print(f"absent: {reason}")
    sys.exit(3)


def two_of_four(torch, rows, cols, element):
    """A matrix with any two of every four columns."""
    weights = torch.rand(rows, cols, device="cuda") * 2 - 1
    order = torch.rand(rows, cols // 4, 4, device="cuda").argsort(dim=2)
    return torch.where(order.reshape(rows, cols) < 2, weights, 0).to(element)


def seconds_of(torch, element, repeat, out, tokens, inner):
    """The median of a product's seconds, after an answer was compared with the dense product's."""
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    moved = 2 * (out * inner + tokens * inner + tokens * out)
    count = min(3 * cache // moved + 2, MOST_SETS)
    weights = two_of_four(torch, out, inner, element)
    x = (torch.rand(tokens, inner, device="cuda") * 2 - 1).to(element)
    packed = torch._cslt_compress(weights)
    best = torch._cslt_sparse_mm_search(packed, x.t(), transpose_result=True)
    sets = [(packed.clone(), x.clone()) for _ in range(count)]

    def turn():
        for packed, x in sets:
            found = torch._cslt_sparse_mm(packed, x.t(), transpose_result=True, alg_id=best)
        return found

    found, expected = turn().float(), torch.nn.functional.linear(x, weights).float()
    worst = (found - expected).abs().max().item()
    # Sums are rounded to the element by both; before, each of `inner` additions of singles errs by at
    # most 2^-23 of a partial sum. Terms have a variance of 1/9, one half of them is 0: eight standard
    # deviations bound what is summed.
    partial = 8 * (inner / 18) ** 0.5
    rounding = expected.abs().max().item() * torch.finfo(element).eps
    allowed = rounding + 2 * inner * 2.0**-23 * partial
    if not worst <= allowed:
        raise SystemExit(f"{out},{tokens},{inner}: answers differ by {worst}, allowed {allowed}")
    times = []
    for _ in range(WARM + repeat):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        # The GPU is kept busy while the turn is queued: its launches are not what is measured.
        torch.cuda._sleep(SLEEP)
        begin.record()
        turn()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e-3 / count)
    return statistics.median(times[WARM:])


def main(element, repeat, *shapes):
    try:
        import torch
    except Exception as error:  # A broken installation fails in many ways.
        absent(f"no PyTorch: {error}")
    if not torch.cuda.is_available():
        absent("PyTorch sees no GPU")
    if not torch.backends.cusparselt.is_available():
        absent("PyTorch has no cuSPARSELt")
    element = {"bf16": torch.bfloat16, "f16": torch.float16}[element]
    torch.manual_seed(1)
    for shape in shapes:
        sizes = [int(size) for size in shape.split(",")]
        # It takes sides that are multiples of 16, and none else.
        if all(size % 16 == 0 for size in sizes):
            print(shape, seconds_of(torch, element, int(repeat), *sizes), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
