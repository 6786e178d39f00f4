"""How much CPU time do decoding, loading and predicting take in this checkout, against another one?

    python benchmarks/bench_checkouts.py --before FOLDER --json benchmarks/results/checkouts--NAME.json

FOLDER is a checkout of an earlier commit, such as `git worktree add` makes. Each checkout has a process that
prepares its own bench_decode, bench_loader or bench_predict, and then runs our cases of it when it is told to. The
two take turns, and the first of a round changes; a ratio is new/old within a round. Both are started several times:
two processes of the same code may differ by 4 % as long as they live. `equal` says that the interval from the first to
the third quartile contains 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
BENCHES = {
    "bench_decode": (
        ("pyav reader", "opencv reader"),
        ("--codecs", "h264", "--keyframe-intervals", "250", "--clips", "4", "--sequence", "100"),
    ),
    "bench_loader": (("loader",), ("--codecs", "h264")),
    "bench_predict": (("streaming, float32", "streaming, bfloat16"), ("--rows", "2")),
}
"""Our cases of each benchmark, and its arguments."""


class Served:
    """One checkout's process for one benchmark.

    Args:
        checkout: Its root.
        bench: Name of the benchmark's module.
        arguments: Its arguments.
    """

    def __init__(self, checkout: Path, bench: str, arguments: list[str]) -> None:
        # -P: modules come from the checkout, not from beside this file.
        paths = os.pathsep.join(str(checkout / name) for name in ("benchmarks", "."))
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, "--serve", bench, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            cwd=checkout,
            text=True,
        )

    def run(self, case: str) -> float:
        """Return the CPU seconds of one run of a case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(case, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("cost "):
                return float(line.split()[1])
        raise SystemExit(f"the process of {case} ended with exit code {self._process.wait()}")

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def serve(bench: str, arguments: list[str]) -> None:
    """Prepare a benchmark of the checkout on the path, and run its cases as standard input names them."""
    harness = import_module("harness")

    def driven(cases: Mapping[str, Callable[[], object]], **_: object) -> None:
        for line in sys.stdin:
            cost, result = harness.measure(cases[line.strip()])
            cost = result if isinstance(result, harness.Cost) else cost
            print(f"cost {cost.cpu_seconds}", flush=True)
        raise SystemExit

    harness.interleave = driven
    module = import_module(bench)
    if bench == "bench_predict":
        module.with_best_threads = lambda cases: (cases, {})
    sys.argv = [bench, *arguments]
    module.main()


def compare(
    before: Path, bench: str, arguments: list[str], *, num_starts: int, num_rounds: int
) -> list[dict[str, Any]]:
    """Return one row a case: medians and quartiles of new/old over the rounds of all starts."""
    from harness import spread

    cases = BENCHES[bench][0]
    costs: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(num_starts):
        with ExitStack() as stack:
            old = stack.enter_context(Served(before, bench, arguments))
            # The old one has made the videos when it has run once.
            old.run(cases[0])
            new = stack.enter_context(Served(HERE, bench, arguments))
            for case in cases:
                for number in range(num_rounds + 1):
                    order = (old, new) if number % 2 else (new, old)
                    cost = {served: served.run(case) for served in order}
                    # The first round warms up.
                    if number:
                        costs[case].append((cost[old], cost[new]))
    table = []
    for case, pairs in costs.items():
        ratio = spread([new / old for old, new in pairs])
        row = {
            "benchmark": bench,
            "case": case,
            "starts": num_starts,
            "rounds": len(pairs),
            "new_to_old": asdict(ratio),
            "equal": ratio.first_quartile <= 1 <= ratio.third_quartile,
            "cpu_seconds_old": asdict(spread([old for old, _ in pairs])),
            "cpu_seconds_new": asdict(spread([new for _, new in pairs])),
        }
        print(
            f"{bench:14} {case:22} new/old {ratio.median:.3f} "
            f"({ratio.first_quartile:.3f} to {ratio.third_quartile:.3f})",
            flush=True,
        )
        table.append(row)
    return table


def main() -> None:
    """Compare, print, write."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3:])
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="checkout of the earlier commit")
    parser.add_argument("--benches", nargs="+", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--starts", type=int, default=4, help="of both processes")
    parser.add_argument("--rounds", type=int, default=3, help="of each start")
    parser.add_argument("--small", action="store_true", help="small pictures, to try the script")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    from harness import write_results

    before = args.before.resolve()
    table: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as videos:
        for bench in args.benches:
            arguments = list(BENCHES[bench][1])
            if bench != "bench_predict":
                arguments += ["--videos", videos]
                arguments += ["--height", "180", "--width", "320"] if args.small else []
            elif args.small:
                arguments += ["--size", "96x160"]
            table += compare(before, bench, arguments, num_starts=args.starts, num_rounds=args.rounds)
    if args.json:
        git = ["git", "-C", str(before), "rev-parse", "HEAD"]
        settings = {
            "before": subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip(),
            "arguments": {name: list(arguments) for name, (_, arguments) in BENCHES.items()},
        }
        write_results(args.json, question=(__doc__ or "").splitlines()[0], settings=settings, table=table)
        print(json.dumps(settings))


if __name__ == "__main__":
    main()
