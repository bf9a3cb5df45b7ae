"""Random chains of protocols: a result whose charge and balances close, or a sentence."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

import sscell
from sscell import protocols
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError

FAMILIES = ("Ji2024", "Pan2023", "Song2024", "Liang2023", "Chang2024")
CELSIUS = {"Ji2024": (25, 60, 90), "Song2024": (30, 60), "Liang2023": (-10, 25, 60)}
SHELLS = sscell.Resolution(shells=12)
CHARGE, BALANCE = 1e-4, 1e-6


def _part(rng, cell):
    slow = cell.current(cell.slow_rate)
    current = f"{slow * rng.choice([0.5, 1.0, 3.0]):.6g} A"
    low, high = cell.window
    kind = rng.choice(["discharge", "charge", "rest", "cycle", "hold", "gitt", "step"])
    if kind in ("discharge", "charge"):
        return getattr(sscell, kind)(current)
    if kind == "rest":
        return sscell.rest(f"{rng.choice([0.01, 1.0, 30.0])} h")
    if kind == "cycle":
        return sscell.cycle(current, hold_until=f"{slow / 4:.6g} A")
    if kind == "hold":
        at = low + (high - low) * float(rng.uniform(0.3, 0.7))
        return protocols.hold(f"{at:.3f} V", duration="1 h")
    if kind == "gitt":
        return sscell.gitt(current, pulse="3 h", rest="1 h")
    target = low + (high - low) * float(rng.uniform(0.3, 0.7))
    return protocols.potential_step(f"{target:.3f} V", duration="1 h")


def _chain(seed):
    rng = np.random.default_rng(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    cell = sscell.load(family)
    parts = [_part(rng, cell) for _ in range(int(rng.integers(2, 4)))]
    celsius = float(rng.choice(CELSIUS.get(family, (25,))))
    state = str(rng.choice(["pristine", "pristine", "50%"]))
    return cell, protocols.then(*parts), celsius, state


def _steps(step):
    return [np.flatnonzero(step == number) for number in np.unique(step)]


def _area(t, i):
    """Charge under the current of one step [A.h], through the points by a smooth curve."""
    apart = np.concatenate([[True], np.diff(t) > 0])
    t, i = t[apart], i[apart]
    if t.size < 3:
        return float(np.trapezoid(i, t)) / 3600
    return float(PchipInterpolator(t, i).integrate(t[0], t[-1])) / 3600


def _closes(seed):
    cell, chain, celsius, state = _chain(seed)
    try:
        run = sscell.simulate(
            cell, chain, temperature=celsius, state=state, resolution=SHELLS
        )
    except (ParameterError, SimulationError) as error:
        assert len(str(error)) > 20
        return "sentence"
    t, i = run["Time [s]"].values, run["Current [A]"].values
    q, step = run["Discharge capacity [A.h]"].values, run["Step"].values
    inside = np.diff(step) == 0
    passed = np.abs(np.diff(q)[inside]).sum()
    off = abs(np.diff(q)[inside].sum() - sum(_area(t[k], i[k]) for k in _steps(step)))
    assert off <= CHARGE * passed + 1e-7 * cell.theoretical_capacity, (seed, off / passed)
    for name, residual in metadata(run, "balances").items():
        assert abs(residual) < BALANCE, (seed, name, residual)
    return "result"


def test_a_sample_of_random_chains_closes():
    begun, found = time.monotonic(), []
    for seed in range(25):
        found.append(_closes(seed))
        if time.monotonic() - begun > 20:
            break
    assert found.count("result") >= len(found) / 2


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_all_random_chains_close(block):
    for seed in range(25 * block, 25 * (block + 1)):
        _closes(seed)
