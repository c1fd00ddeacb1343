"""Search: what the gate's matcher adds to the bare matrix product, with 30,000 people.

    python -m benchmarks.search [--people N] [--dimension D] [--json]

The matcher also finds the runner-up, on whose distance a decision rests. Both are timed in turn on the same matrix, and
the medians are compared.
"""

import argparse
import sys
import time
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.report import Report, budget, present, progress
from edge.matcher import Matcher
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS

_ROUNDS = 400
_WARM_UP = 20


def unit_rows(generator: np.random.Generator, rows: int, dimension: int) -> npt.NDArray[np.float32]:
    """Return random directions."""
    matrix = generator.standard_normal((rows, dimension), dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix


def run(people: int, dimension: int) -> Report:
    """Time product and matcher in turn."""
    generator = np.random.default_rng(30_000)
    gallery = unit_rows(generator, people, dimension)
    matcher = Matcher([UUID(int=number) for number in range(people)], gallery)
    bare, ours = [], []
    for round_ in progress(range(_WARM_UP + _ROUNDS), "searches"):
        probe = unit_rows(generator, 1, dimension)
        start = time.perf_counter()
        product = gallery @ probe[0]
        middle = time.perf_counter()
        found = matcher.match(probe)[0]
        end = time.perf_counter()
        if found.score != float(product.max()):
            raise AssertionError(f"the matcher found {found.score}, the product {product.max()}")
        if round_ >= _WARM_UP:
            bare.append(middle - start)
            ours.append(end - middle)
    bare_ms, ours_ms = 1e3 * float(np.median(bare)), 1e3 * float(np.median(ours))
    return Report(
        "search",
        {
            "people": people,
            "dimension": dimension,
            "search_ms": ours_ms,
            "search_ms_p99": 1e3 * float(np.quantile(ours, 0.99)),
        },
        budgets=[budget("search / bare matrix product", ours_ms / bare_ms, "at most", 1.3)],
        peers={"numpy": {"product_ms": bare_ms}},
        ratios={"numpy_product": bare_ms / ours_ms},
    )


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.search", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument(
        "--dimension", type=int, default=None, help="length of a vector; the default model's if not given"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(
        run(arguments.people, arguments.dimension or EMBEDDERS[DEFAULT_EMBEDDER].dimension), as_json=arguments.json
    )


if __name__ == "__main__":
    sys.exit(main())
