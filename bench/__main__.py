"""`python -m bench NAME`: run one benchmark, or all of them. `--help` lists them."""

from __future__ import annotations

import argparse
import sys

from bench import chaos, classifier, pipeline, scale

# Each module has NAME, HELP, add_arguments(parser) and run(arguments) -> bool, true when every gate passed.
BENCHMARKS = (classifier, pipeline, chaos, scale)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measured figures with gates.")
    commands = parser.add_subparsers(dest="name", metavar="NAME")
    for benchmark in BENCHMARKS:
        command = commands.add_parser(benchmark.NAME, help=benchmark.HELP, description=benchmark.HELP)
        benchmark.add_arguments(command)
        command.set_defaults(run=benchmark.run)
    arguments = parser.parse_args()
    if arguments.name is not None:
        return 0 if arguments.run(arguments) else 1
    passed = [benchmark.run(parser.parse_args([benchmark.NAME])) for benchmark in BENCHMARKS]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
