"""Every protocol runs on every registered cell; nonsense is refused with a sentence."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.cells.library import available
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.protocols import (
    at,
    charge,
    cv,
    cycle,
    discharge,
    gitt,
    hold,
    impedance,
    potential_step,
    rate_test,
    rest,
    then,
)
from sscell.simulation.engine import Resolution
from sscell.simulation.simulation import simulate

COARSE = Resolution(shells=15)
TONES = [1e4, 1.0, 1e-2]
LIMITS = ("lower voltage cut-off", "upper voltage cut-off")


def _middle(cell):
    """Voltage in the middle of the window."""
    return 0.5 * sum(cell.window)


def _on_the_way(cell):
    """Voltage at three quarters of the window, in the direction of the first step."""
    low, high = cell.window
    return low + (high - low) * (0.75 if cell.first_step == "charge" else 0.25)


PROTOCOLS = {
    "discharge": lambda c: discharge(),
    "charge": lambda c: charge(),
    "discharge to a voltage": lambda c: discharge(until=_middle(c)),
    "cycle": lambda c: cycle(cycles=2),
    "cycle with rests": lambda c: cycle(rest="1 h"),
    "cycle with a hold by current": lambda c: cycle(hold_until=_fraction(c, 0.2)),
    "cycle with a hold by time": lambda c: cycle(hold_time="2 h"),
    "rate test": lambda c: rate_test([c.slow_rate, _fraction(c, 2.0)], cycles=[2, 1]),
    "titration on discharge": lambda c: gitt(pulse="2 h", rest="1 h"),
    "titration on charge": lambda c: gitt(pulse="2 h", rest="1 h", direction="charge"),
    "titration both ways": lambda c: gitt(pulse="2 h", rest="1 h", direction="both"),
    "hold by time": lambda c: hold(_middle(c), duration="1 h"),
    "hold by current": lambda c: hold(_middle(c), until_current=_fraction(c, 0.1)),
    "hold by capacity": lambda c: hold(_on_the_way(c), until_capacity=20.0),
    "voltammogram": lambda c: cv(["1 mV/s", "0.5 mV/s"], cycles=2),
    "voltammogram of half the window": lambda c: cv("1 mV/s", [_middle(c), c.window[1]]),
    "potential step": lambda c: potential_step(_middle(c), "1 h"),
    "spectrum": lambda c: impedance(TONES),
    "spectra along both": lambda c: impedance(TONES, along="both", points=3),
    "rest of two days": lambda c: rest("2 days"),
    "temperature steps": lambda c: then(at(40, cycle()), at(60, rest("1 h"))),
    "spectra before and after": lambda c: then(impedance(TONES), cycle(), impedance(TONES)),
}


def _fraction(cell, share):
    """A multiple of the slow rate as a current in A, which every cell understands."""
    return f"{cell.current(cell.slow_rate) * share:.6g} A"


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_runs_on_every_cell(name, protocol):
    """It ends for a known reason, its balances close, and its time and budget hold."""
    cell = sscell.load(name)
    run = simulate(cell, PROTOCOLS[protocol](cell), temperature=60, resolution=COARSE)
    assert max(metadata(run, "balances").values(), default=0.0) < 1e-6
    for step in metadata(run, "steps"):
        expected = {
            "rest": {"duration"},
            "sweep": {"duration"},
            "hold": {"duration", "current limit", "capacity limit"},
        }.get(step["direction"], {*LIMITS, "duration"})
        # A fast step may meet its cut-off as soon as the current flows.
        assert step["stop_reason"].removesuffix(" at once") in expected, step
    if "time" in run.sizes and run.sizes["time"]:
        assert np.all(np.diff(run["Time [s]"].values) >= 0)
        total = sum(run[part].values for part in metadata(run, "budget"))
        assert np.max(np.abs(total - run["Voltage [V]"].values)) < 1e-6
    if "spectr" in protocol:
        assert np.isfinite(run["Z real [Ohm]"].values).all()
        assert np.all(run["Z real [Ohm]"].values > 0)


def _last(run):
    """Rows of the last step."""
    number = run["Step"].values
    return number == number.max()


@pytest.mark.parametrize("way", ["discharge", "charge"])
def test_current_falls_monotonically_while_a_voltage_is_held(ji, way):
    """After a constant current to the last plateau either way, down to C/100."""
    half, volts = (discharge, 1.0) if way == "discharge" else (charge, 2.5)
    protocol = then(half("C/10", until=volts), hold(volts, until_current="C/100"))
    run = simulate(ji, protocol, temperature=60, resolution=Resolution())
    rows = _last(run)
    current = np.abs(run["Current [A]"].values[rows])
    assert metadata(run, "stop_reasons")[-1] == "current limit"
    assert current[-1] == pytest.approx(ji.current("C/100"), rel=1e-3)
    assert np.all(np.diff(current) <= 1e-6 * current[0])
    assert run["Voltage [V]"].values[rows] == pytest.approx(volts, abs=1e-6)


@pytest.mark.parametrize("amount", [50.0, 300.0])
def test_hold_limited_by_capacity_passes_exactly_that(ji, amount):
    """The constant current before it counts, as it is no reversal; to 1e-6."""
    protocol = then(
        discharge("C/10"),
        charge("C/10", until=1.7),
        hold(1.7, until_capacity=amount),
    )
    run = simulate(ji, protocol, temperature=60, resolution=COARSE)
    charge_passed = run["Discharge capacity [A.h]"].values
    number = run["Step"].values
    since = charge_passed[number == 1][-1] - charge_passed[-1]
    constant = charge_passed[number == 1][-1] - charge_passed[number == 2][-1]
    mass = ji.basis("capacity")[1]
    if constant < amount * mass:
        assert metadata(run, "stop_reasons")[-1] == "capacity limit"
        assert since / mass == pytest.approx(amount, rel=1e-6)
    else:
        assert metadata(run, "stop_reasons")[-1] == "capacity limit at once"


def test_hold_that_reverses_the_current_counts_from_its_own_begin(ji):
    """Discharge, then a charge at constant voltage of exactly 100 mAh/g."""
    protocol = then(discharge("C/10"), hold(2.2, until_capacity=100.0))
    run = simulate(ji, protocol, temperature=60, resolution=COARSE)
    passed = run["Discharge capacity [A.h]"].values
    back = passed[run["Step"].values == 1][-1] - passed[-1]
    assert back / ji.basis("capacity")[1] == pytest.approx(100.0, rel=1e-6)


def test_hold_whose_current_is_already_small_ends_at_once(ji):
    """At the open-circuit voltage no current flows."""
    ocv = float(
        simulate(ji, rest("1 h"), temperature=60, resolution=COARSE)["Voltage [V]"][-1]
    )
    run = simulate(ji, hold(ocv, until_current="C/20"), temperature=60, resolution=COARSE)
    assert metadata(run, "stop_reasons") == ["current limit at once"]


def test_temperature_column_follows_the_steps(ji):
    """`at` holds for its own steps; what follows is at the temperature of the run again."""
    protocol = then(
        discharge("C/10"), at(60, rest("1 h")), at(40, charge("C/10")), rest("1 h")
    )
    run = simulate(ji, protocol, temperature=90, resolution=COARSE)
    number, celsius = run["Step"].values, run["Temperature [degC]"].values
    found = [set(np.round(celsius[number == k], 9)) for k in (1, 2, 3, 4)]
    assert found == [{90.0}, {60.0}, {40.0}, {90.0}]


def test_rest_of_days_moves_no_charge(ji):
    """I = 0, and the time is that of the rest."""
    run = simulate(ji, then(discharge("C/10"), rest("2 days")), resolution=COARSE)
    rows = _last(run)
    t = run["Time [s]"].values[rows]
    assert t[-1] - t[0] == pytest.approx(172800.0, rel=1e-9)
    assert np.all(run["Current [A]"].values[rows] == 0)
    assert np.ptp(run["Discharge capacity [A.h]"].values[rows]) < 1e-15


def test_constant_voltage_after_charge_stays_at_the_upper_cutoff(ji):
    """CC/CV: the hold begins where the charge ended and adds to it."""
    run = simulate(ji, cycle("C/5", hold_until="C/50"), temperature=60, resolution=COARSE)
    rows = _last(run)
    upper = ji.values["Upper voltage cut-off [V]"]
    assert run["Voltage [V]"].values[rows] == pytest.approx(upper, abs=1e-6)
    assert np.all(run["Current [A]"].values[rows] < 0)
    halves = sscell.summary(run)["steps"]
    assert [s["direction"] for s in halves] == ["discharge", "charge"]


NONSENSE = {
    "negative pulse": lambda: gitt("C/20", pulse="-1 h"),
    "no pulse": lambda: gitt("C/20", pulse=0),
    "unknown direction": lambda: gitt("C/20", direction="sideways"),
    "scan rate zero": lambda: cv("0 mV/s"),
    "negative scan rate": lambda: cv("-1 mV/s"),
    "no scan rate": lambda: cv([]),
    "window reversed": lambda: cv("1 mV/s", ["3 V", "1 V"]),
    "window of one": lambda: cv("1 mV/s", ["3 V"]),
    "no cycles": lambda: cycle("C/20", cycles=0),
    "half a cycle": lambda: cycle("C/20", cycles=1.5),
    "potato": lambda: discharge("potato"),
    "zero rate": lambda: discharge("0C"),
    "negative rate": lambda: discharge("-C/20"),
    "no currents": lambda: rate_test([]),
    "cycles that do not match": lambda: rate_test(["C/20", "C/10"], cycles=[1, 2, 3]),
    "endless hold": lambda: hold("2 V"),
    "hold of no capacity": lambda: hold("2 V", until_capacity=0.0),
    "hold of negative capacity": lambda: hold("2 V", until_capacity=-5.0),
    "voltage in seconds": lambda: hold("2 s", duration="1 h"),
    "rest of no time": lambda: rest(0),
    "endless rest": lambda: rest(float("inf")),
    "negative frequency": lambda: impedance([-1.0]),
    "one spectrum along": lambda: impedance(TONES, along="discharge", points=1),
    "along nothing": lambda: impedance(TONES, along="up"),
    "first sweep sideways": lambda: cv("1 mV/s", start="sideways"),
    "nothing": lambda: then(),
    "no temperature": lambda: at("warm", rest("1 h")),
    # These need the cell: they are refused before anything is computed.
    "voltage far beyond": lambda: hold("50 V", duration="1 h"),
    "discharge to far below": lambda: discharge("C/20", until="-20 V"),
    "too hot": lambda: then(cycle("C/20"), at(5000, rest("1 h"))),
    "sweep far beyond": lambda: cv("1 mV/s", ["0 V", "40 V"]),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_with_one_sentence(ji, name):
    """ParameterError on one line that ends with a full stop."""
    started = []
    with pytest.raises(ParameterError) as caught:
        simulate(ji, NONSENSE[name](), on_progress=lambda *a: started.append(a))
    text = str(caught.value)
    assert len(text) > 20 and "\n" not in text and text.endswith(".")
    assert not started
