"""How often the intervals of a fit hold, on made cells whose truth is known.

Each trial changes a cell in secret: its kinetics by up to a factor of two, a resistance, the
mass by 3 % and the reference by 2 mV; its open-circuit voltage is off the model's by a smooth
curve of some millivolts; a drift of 2 mV runs through the test, and noise lies over it. The
fit knows nothing of that. Counted are the 90 % intervals that hold the truth, and whether the
capacity at twice the rate lies in its predicted 90 % band.

    python benchmarks/fit_truth.py Liang2023 --trials 40 -o insertion.jsonl
    python benchmarks/fit_truth.py --summary insertion.jsonl

A trial is a line of the file; started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import xarray as xr

import sscell
from sscell.dataset import metadata
from sscell.fitting import fit, predict
from sscell.simulation.engine import Resolution

MASS, RESISTANCE = "Positive electrode mass [kg]", "Contact resistance [Ohm]"
KINETIC = "Positive electrode exchange-current density [A.m-2]"
REFERENCE = "Negative electrode OCP [V]"
NOISE, DRIFT, CURVE = 1e-3, 2e-3, 4e-3  # V
# Rate of the test, temperature [degC] and a resistance that is felt [Ohm].
CASES = {"Liang2023": ("50mA/g", None, 200.0), "Ji2024": ("C/10", 60, 300.0)}


def truth(name: str, seed: int):
    """A cell changed in secret."""
    draw = np.random.default_rng([seed, len(name)])
    cell = sscell.load(name)
    values = cell.values
    return cell.replace(
        {
            MASS: values[MASS] * (1 + 0.03 * draw.choice([-1, 1])),
            RESISTANCE: CASES[name][2] * draw.uniform(0.3, 1.7),
            KINETIC: values[KINETIC] * 2 ** draw.uniform(-1, 1),
            REFERENCE: values[REFERENCE] + 2e-3 * draw.normal(),
        }
    ), draw


def measured(run: xr.Dataset, draw: np.random.Generator) -> xr.Dataset:
    """A run as a cycler would have recorded it of a cell with another open-circuit curve."""
    t, i, v = (run[n].values for n in ("Time [s]", "Current [A]", "Voltage [V]"))
    passed = np.concatenate([[0.0], np.cumsum(np.diff(t) * (i[1:] + i[:-1]) / 2)])
    x = (passed - passed.min()) / np.ptp(passed)
    parts = draw.normal(size=4) / np.sqrt([1.0, 2.0, 3.0, 4.0])
    off = sum(a * np.sin((k + 1) * np.pi * x) for k, a in enumerate(parts))
    off *= CURVE / max(float(np.sqrt(np.mean(off**2))), 1e-12)
    drift = DRIFT * t / t[-1] * draw.choice([-1, 1])
    noise = NOISE * draw.normal(size=t.size)
    return run.assign({"Voltage [V]": ("time", v + off + drift + noise)})


def trial(name: str, seed: int) -> dict:
    """One cell: which intervals hold, and the capacity at twice the rate."""
    begun = time.process_time()
    rate, celsius, ohm = CASES[name]
    cell, draw = truth(name, seed)
    coarse = Resolution(shells=15)
    options = {"temperature": celsius, "resolution": coarse}
    current = cell.current(rate)
    own, fast = f"{current:.8g} A", f"{2 * current:.8g} A"
    data = measured(sscell.simulate(cell, sscell.cycle(own), **options), draw)
    start = sscell.load(name).replace({RESISTANCE: ohm})
    values = start.values
    vary = {
        MASS: (values[MASS] / 1.2, values[MASS] * 1.2),
        RESISTANCE: (0.0, 6 * ohm),
        KINETIC: (values[KINETIC] / 30, values[KINETIC] * 30),
        REFERENCE: (values[REFERENCE] - 0.05, values[REFERENCE] + 0.05),
    }
    found = fit(start, data, vary, points=120, **options)
    holds, pulls = {}, {}
    for title, variable in zip(vary, found.problem.variables, strict=True):
        low, high = found.interval(title, 0.9)
        holds[title] = bool(low <= cell.values[title] <= high)
        k = list(vary).index(title)
        error = math.sqrt(found.knowledge.covariance[k, k])
        pulls[title] = (found.u[k] - variable.position(cell.values[title])) / error
    there = sscell.simulate(cell, sscell.discharge(fast), **options)
    capacity = float(np.ptp(there["Discharge capacity [A.h]"].values))
    told = predict(found, sscell.discharge(fast), draws=16, seed=seed, **options)
    drawn = np.array(metadata(told, "drawn_capacities_Ah"))
    middle, spread = float(np.mean(drawn)), float(np.std(drawn, ddof=1))
    return {
        "seed": seed,
        "holds": holds,
        "pulls": pulls,
        "capacity": bool(abs(capacity - middle) <= 1.645 * spread),
        "capacity_off": (capacity - middle) / middle,
        "capacity_band": 1.645 * spread / middle,
        "ended": found.ended,
        "seconds": time.process_time() - begun,
    }


def summary(path: Path) -> str:
    """Coverage in a few lines."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    titles = rows[0]["holds"]
    every = [h for r in rows for h in r["holds"].values()]
    lines = [f"{path.name}: {len(rows)} trials, 90 % intervals hold {np.mean(every):.0%}"]
    for title in titles:
        share = np.mean([r["holds"][title] for r in rows])
        size = np.sqrt(np.mean([r["pulls"][title] ** 2 for r in rows]))
        lines.append(f"  {title}: {share:.0%}, pulls {size:.2f}")
    inside = np.mean([r["capacity"] for r in rows])
    width = np.median([r["capacity_band"] for r in rows])
    lines.append(f"  capacity at twice the rate: {inside:.0%} in a band of {width:.2%}")
    seconds = np.median([r["seconds"] for r in rows])
    lines.append(f"  processor time of a trial: {seconds:.1f} s")
    return "\n".join(lines)


def main() -> None:
    """Run trials until they are done or the time is up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cell", nargs="?", choices=list(CASES))
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=math.inf, help="Stop after these.")
    parser.add_argument("-o", "--output", type=Path, default=Path("fit_truth.jsonl"))
    parser.add_argument("--summary", type=Path)
    given = parser.parse_args()
    if given.summary is not None:
        print(summary(given.summary))
        return
    begun = time.monotonic()
    done = given.output.read_text().count("\n") if given.output.exists() else 0
    for seed in range(done, given.trials):
        if time.monotonic() - begun > given.seconds:
            break
        with given.output.open("a") as file:
            file.write(json.dumps(trial(given.cell, seed)) + "\n")
    print(summary(given.output))


if __name__ == "__main__":
    main()
