"""An independent calculation of a bill, with exact fractions, from a simulator's own history.

Reads JSON: the hours `from` and `to`; `states`, each what became of an item at an instant; `rates`, each what a plan asks
for from an instant on; `measured`, when the snapshots of a volume were measured. Writes the lines as JSON:
[item, plan, rate, hours, estimated hours, byte-hours, credits].
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


def is_estimated(measured, state, hour):
    """Whether the last measurement is older than two hours when the hour begins."""
    if state["kind"] != "snapshot":
        return False
    before = [at for at in measured.get(state["volume"], []) if at <= hour * HOUR]
    return not before or hour * HOUR - before[-1] > 2 * HOUR


def main():
    given = json.load(sys.stdin)
    histories = {}
    for state in given["states"]:
        histories.setdefault(state["item"], []).append(state)
    measured = {}
    for measurement in given["measured"]:
        measured.setdefault(measurement["volume"], []).append(measurement["at"])
    lines = {}
    for item, states in histories.items():
        for hour in range(given["from"], given["to"]):
            before = [state for state in states if state["at"] <= hour * HOUR]
            if not before or not before[-1]["billable"]:
                continue
            state = before[-1]
            plan = state["plan"]
            rate = state["rate"] if plan is None else rate_at(given["rates"], plan, state["kind"], hour)
            line = lines.setdefault((item, plan or "", rate), [0, 0, 0])
            line[0] += 1
            line[1] += is_estimated(measured, state, hour)
            line[2] += state["bytes"] or 0
    out = []
    for (item, plan, rate), (hours, estimated, byte_hours) in sorted(lines.items()):
        cost = Fraction(rate) * hours if plan == "" else Fraction(rate) * byte_hours / GB / MONTH
        out.append([item, plan, rate, hours, estimated, byte_hours, text(half_even(cost))])
    total = sum(Fraction(line[6]) for line in out)
    json.dump({"lines": out, "total": text(half_even(total))}, sys.stdout)


main()
