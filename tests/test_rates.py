"""Rate tests, efficiencies and dQ/dV of measured and made-up cells."""

import warnings

import numpy as np
import pytest
from measured import measured

from sscell.analysis import coulombic_efficiency, dqdv, rate
from sscell.dataset import time_series
from sscell.errors import DataError
from sscell.readers import read


def quiet(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path, **options)


def test_measured_rate_test_has_its_seven_currents_and_capacities():
    path = measured("rate_test_7_currents", "newarenda_rate_7currents_VQ.csv")
    found = rate(quiet(path, mass="1 g"))
    assert np.array(found["currents_A"]) * 1e3 == pytest.approx(
        [0.06637, 0.1328, 0.2657, 0.4430, 0.6645, 1.3284, 2.6575], rel=2e-3
    )
    # The cycler's own count in the last of the three cycles at each current.
    counted = [1.03606, 1.01148, 0.973164, 0.93398, 0.891998, 0.795424, 0.649548]
    assert found["capacities_mAh"] == pytest.approx(counted, rel=1e-3)
    assert found["cycles"] == [3] * 7
    assert np.all(np.diff(found["powers_W_kg"]) > 0)
    assert found["coulombic_efficiency"][2] == pytest.approx(1.03606 / 1.05193, rel=1e-3)


def test_energy_power_and_voltage_of_a_constant_voltage_cell():
    t = np.linspace(0, 7200, 100)
    data = time_series(
        {"Time [s]": t, "Current [A]": 0 * t + 2e-3, "Voltage [V]": 0 * t + 1.5},
        {"capacity_basis_mass_g": 0.01, "energy_basis_mass_g": 0.02},
    )
    found = rate(data)
    assert found["capacities_mAh_g"] == pytest.approx([400])
    assert found["energies_Wh_kg"] == pytest.approx([300])
    assert found["powers_W_kg"] == pytest.approx([150])
    assert found["currents"] == ["200 mA/g"]
    assert any("no rate test" in w for w in found["warnings"])


def test_cell_that_discharges_first_has_charge_over_discharge():
    def half(current, hours):
        return [(0, current), (3600 * hours, current)]

    rows, start = [], 0.0
    for current, hours in ((1, 1.0), (-1, 0.9), (1, 0.9), (-1, 0.81)):
        rows += [(start + t, i) for t, i in half(current, hours)]
        start = rows[-1][0]
    t, i = np.array(rows).T
    data = time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": 0 * t + 2})
    assert coulombic_efficiency(data) == pytest.approx([0.9, 0.9])


def test_charge_only_data_are_refused_with_a_remedy():
    t = np.linspace(0, 3600, 10)
    data = time_series(
        {"Time [s]": t, "Current [A]": 0 * t - 1, "Voltage [V]": 2 + t / 3600}
    )
    with pytest.raises(DataError, match="--current-sign charge"):
        rate(data)


def test_dqdv_peaks_of_a_layered_oxide_repeat_within_10_mV():
    """Each peak stays within 10 mV of its mean over cycles 2-5.

    The cell itself still drifts from cycle 2 to 5, by up to 11.2 mV from end to end.
    """
    data = quiet(measured("naxcoo2_c24", "navani_jdb11_halfcell.csv"))
    peaks = dqdv(data)["dqdv_peaks"]
    for direction in ("charge", "discharge"):
        table = np.array(
            [
                [
                    p["voltage_V"]
                    for p in peaks
                    if (p["direction"], p["cycle"]) == (direction, c)
                ]
                for c in (2, 3, 4, 5)
            ]
        )
        assert table.shape == (4, 9), direction
        assert np.abs(table - table.mean(axis=0)).max() < 0.010, direction
