"""Virtual pellets against the limits in which only one carrier moves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import sscell
from sscell.analysis.transport import pellet_conductivity
from sscell.errors import ParameterError
from sscell.simulation.pellets import Pellet, blocked_impedance, dc_polarisation, pellet_of

Y = "MoS2 mole fraction"
MADE = Pellet(1e-2, 3e-2, 1e9, 0.4, 0.05, 5e-4, 1e-4)


@pytest.fixture(scope="module")
def pan():
    return sscell.load("Pan2023")


def test_long_polarisation_leaves_the_electrons():
    """Ions stand still in the end: i = sigma_e V/L."""
    run = dc_polarisation(MADE, 0.01, "200 h")
    assert pellet_conductivity(run) == pytest.approx(3e-4, rel=1e-3)


def test_polarisation_begins_with_both_carriers():
    """Nothing has moved yet: i = (sigma_i + sigma_e) V/L."""
    run = dc_polarisation(MADE, 0.01, "1 ms")
    assert pellet_conductivity(run) == pytest.approx(4e-4, rel=0.01)


def test_small_polarisation_relaxes_as_the_slowest_mode():
    """i - i_end falls as exp(-4 u^2 D t/L^2), tan u = -u sigma_e/sigma_i at a given voltage,
    D = sigma_i sigma_e/(sigma_i + sigma_e)/C (separation of variables).
    """
    d = 1 / (1 / MADE.ionic + 1 / MADE.electronic) / MADE.capacitance
    ratio = MADE.electronic / MADE.ionic
    u = brentq(lambda a: np.sin(a) + a * ratio * np.cos(a), np.pi / 2, np.pi)
    tau = MADE.thickness**2 / (4 * u**2 * d)
    run = dc_polarisation(MADE, 1e-3, 4 * tau)
    end = MADE.electronic * 1e-3 / MADE.thickness * MADE.area
    left = np.interp([tau, 2 * tau, 3 * tau], run["Time [s]"], run["Current [A]"]) - end
    assert left[1:] / left[:-1] == pytest.approx(np.exp(-1), rel=0.02)


@pytest.mark.parametrize(("frequency", "expected"), [(1e-9, 1e-4), (1e9, 4e-4)])
def test_blocked_impedance_goes_from_both_carriers_to_the_ions(frequency, expected):
    run = blocked_impedance(MADE, np.array([frequency]))
    assert pellet_conductivity(run) == pytest.approx(expected, rel=1e-3)


def test_pellets_of_the_paper_reach_their_bounds_and_rise_with_molybdenum(pan):
    """At y = 0.1 and above both read more than 1e-4 S/cm; without MoS2, 1.5e-6 by ions."""
    read = {"dc": [], "ac": []}
    for y in (0.0, 0.05, 0.1, 0.15, 0.2):
        made = pellet_of(pan.replace({Y: y}))
        read["dc"].append(pellet_conductivity(dc_polarisation(made)))
        read["ac"].append(pellet_conductivity(blocked_impedance(made)))
    for values in read.values():
        assert np.all(np.diff(values) > 0)
        assert min(values[2:]) > 1e-4
    assert read["ac"][0] == pytest.approx(1.5e-6, rel=0.02)


def test_impedance_reads_the_electrons_too(pan):
    """MoS2 stores so much that 0.1 Hz is still fast: no measure of the ions alone."""
    made = pellet_of(pan)
    read = pellet_conductivity(blocked_impedance(made)) * 100
    assert made.ionic * 2 < read < made.ionic + made.electronic


def test_a_composite_has_no_such_pellet():
    with pytest.raises(ParameterError, match="Ji2024 has a composite cathode"):
        pellet_of(sscell.load("Ji2024"))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dc_polarisation(MADE, 0), "nothing to see with 0 over 30 min"),
        (lambda: dc_polarisation(MADE, 1, "0 s"), "nothing to see with 1 over 0 s"),
        (lambda: pellet_of(sscell.load("Pan2023"), "-1 mm"), "positive, not -1 mm"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(ParameterError, match=sentence):
        call()
