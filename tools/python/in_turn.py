#!/usr/bin/env python3
"""Time two commands in turn (A B A B ...) and print the ratio of each pair.

A machine's speed swings within minutes; figures of one pair were taken a minute apart. Each command prints, as its last
line, one JSON object, or writes one to the file that {json} stands for. KEY is what to compare: dots lead into objects
("details.median_step_seconds") and lists ("benchmarks.0.items_per_second"). Lower is better, and the ratio is B's
figure over A's; with --higher it is A's over B's.

    tools/python/in_turn.py --rounds 3 --a 'd2v bench step RECIPE --json {json}' --a-key details.median_step_seconds
                            --b 'python3 peer.py' --b-key median_s
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile


def value_at(found, key):
    for name in key.split("."):
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
            continue
        if not isinstance(found, dict) or name not in found:
            sys.exit(f"in_turn.py: no key '{key}' in {json.dumps(found)[:500]}")
        found = found[name]
    return float(found)


def run(command, key):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        words = [word.replace("{json}", file.name) for word in shlex.split(command)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"in_turn.py: '{command}' ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        with open(file.name, encoding="utf-8") as written:
            text = written.read() if "{json}" in command else done.stdout.strip().splitlines()[-1]
    try:
        return value_at(json.loads(text), key)
    except json.JSONDecodeError:
        sys.exit(f"in_turn.py: expected a JSON object from '{command}', found: {text[:500]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--higher", action="store_true", help="higher is better")
    for name in ("a", "b"):
        parser.add_argument(f"--{name}", required=True, metavar="COMMAND")
        parser.add_argument(f"--{name}-key", required=True, metavar="KEY")
    options = parser.parse_args()
    ratios = []
    for number in range(options.rounds):
        a, b = run(options.a, options.a_key), run(options.b, options.b_key)
        ratios.append(a / b if options.higher else b / a)
        print(f"round {number + 1}: A {a:g}, B {b:g}, ratio {ratios[-1]:.3f}", flush=True)
    print(f"median of {len(ratios)} ratios: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
