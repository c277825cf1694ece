"""An independent calculation of a bill, with exact fractions, from a simulator's own history.

Reads JSON: the hours `from` and `to`; `states`, each what became of an item at an instant; `rates`, each what a plan asks
for from an instant on. Writes the lines as JSON: [item, plan, rate, hours, byte-hours, credits].
"""

import json
import sys
from fractions import Fraction

HOUR = 3_600_000
GB = 2**30
MONTH = 730
UNIT = 10**12


def half_even(value):
    return round(value * UNIT)


def text(units):
    whole, part = divmod(units, UNIT)
    return str(whole) if part == 0 else f"{whole}.{part:012}".rstrip("0")


def rate_at(rates, plan, kind, hour):
    """The last one that was set before the hour began; of those, what was set last."""
    valid = [rate for rate in rates if rate["plan"] == plan and rate["kind"] == kind and rate["at"] < hour * HOUR]
    return valid[-1]["rate"]


def main():
    given = json.load(sys.stdin)
    histories = {}
    for state in given["states"]:
        histories.setdefault(state["item"], []).append(state)
    lines = {}
    for item, states in histories.items():
        for hour in range(given["from"], given["to"]):
            before = [state for state in states if state["at"] <= hour * HOUR]
            if not before or not before[-1]["billable"]:
                continue
            state = before[-1]
            plan = state["plan"]
            rate = state["rate"] if plan is None else rate_at(given["rates"], plan, state["kind"], hour)
            line = lines.setdefault((item, plan or "", rate), [0, 0])
            line[0] += 1
            line[1] += state["bytes"] or 0
    out = []
    for (item, plan, rate), (hours, byte_hours) in sorted(lines.items()):
        cost = Fraction(rate) * hours if plan == "" else Fraction(rate) * byte_hours / GB / MONTH
        out.append([item, plan, rate, hours, byte_hours, text(half_even(cost))])
    total = sum(Fraction(line[5]) for line in out)
    json.dump({"lines": out, "total": text(half_even(total))}, sys.stdout)


main()
