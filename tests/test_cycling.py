"""Capacity against cycle on cells whose efficiencies are known."""

import json

import numpy as np
import pytest

from sscell.analysis import coulombic_efficiency, cycles, rate
from sscell.cli import main
from sscell.dataset import time_series
from sscell.errors import ParameterError

SAMPLES = 60


def half(capacity, current, low, high, *, noise=0.0, seed=0, end=1.0, flat=False):
    """Constant current between two voltages, up to a share `end` of the way: (t, i, v)."""
    t = np.linspace(0, capacity / abs(current) * 3600, SAMPLES)
    way = np.linspace(0, end, SAMPLES)
    v = low + (high - low) * way if current < 0 else high - (high - low) * way
    if flat:
        v = np.minimum(v, low + 0.6 * (high - low))
    return (
        t,
        np.full(SAMPLES, float(current)),
        v + np.random.default_rng(seed).normal(0, noise, SAMPLES),
    )


def series(halves, numbers=None, **attributes):
    """One after another, a minute of rest between them."""
    t, i, v, n, start = [], [], [], [], 0.0
    for k, (time, current, voltage) in enumerate(halves):
        rest = np.array([20.0, 40.0, 60.0])
        t += [start + time, start + time[-1] + rest]
        i += [current, 0 * rest]
        v += [voltage, 0 * rest + voltage[-1]]
        n.append(np.full(SAMPLES + 3, 1 if numbers is None else numbers[k]))
        start = t[-1][-1] + 1e-3
    columns = {"Time [s]": t, "Current [A]": i, "Voltage [V]": v}
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    if numbers is not None:
        columns["Cycle"] = np.concatenate(n)
    return time_series(columns, attributes)


def charge(capacity, **options):
    return half(capacity, -1e-3, 2.0, 2.4, **options)


def discharge(capacity, **options):
    return half(capacity, 1e-3, 1.8, 2.2, **options)


def full_cell(charges, discharges, **attributes):
    pairs = [h for c, d in zip(charges, discharges, strict=True) for h in (c, d)]
    numbers = [1 + k // 2 for k in range(len(pairs))]
    return series(pairs, numbers, **attributes)


def test_efficiencies_voltages_and_retention_of_a_known_cell():
    capacities = [(1.0e-3, 0.9e-3), (0.95e-3, 0.92e-3), (0.93e-3, 0.915e-3)]
    data = full_cell(
        [charge(c) for c, _ in capacities],
        [discharge(d) for _, d in capacities],
        capacity_basis_mass_g=2e-3,
    )
    rows = cycles(data)["cycles"]
    assert [r["cycle"] for r in rows] == [1, 2, 3]
    for row, (c, d) in zip(rows, capacities, strict=True):
        assert row["charge_mAh"] == pytest.approx(c * 1e3, rel=1e-6)
        assert row["discharge_mAh_g"] == pytest.approx(d * 1e3 / 2e-3, rel=1e-6)
        assert row["coulombic_efficiency"] == pytest.approx(d / c)
        # Straight lines: from 2.0 to 2.4 V and from 2.2 to 1.8 V.
        assert row["mean_charge_V"] == pytest.approx(2.2, rel=1e-6)
        assert row["mean_discharge_V"] == pytest.approx(2.0, rel=1e-6)
        assert row["energy_efficiency"] == pytest.approx(d / c * 2.0 / 2.2, rel=1e-6)
        assert row["retention"] == pytest.approx(d / 0.9e-3)
    moved = cycles(data, reference_cycle=2)["cycles"]
    assert [r["retention"] for r in moved] == pytest.approx([0.9 / 0.92, 1, 0.915 / 0.92])
    with pytest.raises(ParameterError, match="no cycle 7; the data hold cycles 1 to 3"):
        cycles(data, reference_cycle=7)


def test_cell_that_discharges_first_has_charge_over_discharge():
    data = series([discharge(1e-3), charge(0.9e-3), discharge(0.9e-3), charge(0.88e-3)])
    rows = cycles(data)["cycles"]
    assert [r["coulombic_efficiency"] for r in rows] == pytest.approx([0.9, 0.88 / 0.9])
    assert rows[0]["energy_efficiency"] == pytest.approx(1 / 0.9 * 2.0 / 2.2, rel=1e-6)


@pytest.mark.parametrize("counted", [True, False])
def test_partial_first_half_decides_nothing(counted):
    parts = [discharge(0.3e-3), charge(1e-3), discharge(0.9e-3), charge(1e-3)]
    parts += [discharge(0.95e-3)]
    data = series(parts, [1, 1, 1, 2, 2] if counted else None)
    found = cycles(data)
    assert found["first_step"] == "charge"
    efficiencies = [r["coulombic_efficiency"] for r in found["cycles"]]
    assert efficiencies == pytest.approx([0.9, 0.95])
    assert coulombic_efficiency(data) == efficiencies


def test_numbers_that_count_halves_or_nothing_are_no_cycles():
    parts = [charge(1e-3), discharge(0.9e-3), charge(0.95e-3), discharge(0.9e-3)]
    for numbers in ([1, 2, 3, 4], [1, 1, 1, 1], None):
        rows = cycles(series(parts, numbers))["cycles"]
        got = [r["coulombic_efficiency"] for r in rows]
        assert got == pytest.approx([0.9, 0.9 / 0.95])


def test_missing_half_is_null():
    data = series([charge(1e-3), discharge(0.9e-3), charge(0.95e-3)], [1, 1, 2])
    last = cycles(data)["cycles"][-1]
    assert last["charge_mAh"] == pytest.approx(0.95)
    names = ("discharge_mAh", "coulombic_efficiency", "energy_efficiency",
             "mean_discharge_V", "retention")  # fmt: skip
    assert all(last[name] is None for name in names)


def test_file_that_ends_inside_a_discharge_tells_no_capacity():
    parts = [charge(1e-3), discharge(0.9e-3), charge(0.95e-3), discharge(0.4e-3, end=0.45)]
    data = series(parts, [1, 1, 2, 2])
    data = data.isel(time=slice(0, -3))  # no rest follows: the file was cut there
    found = cycles(data)
    assert found["cycles"][-1]["discharge_mAh"] is None
    assert found["cycles"][-1]["coulombic_efficiency"] is None
    assert any("ends inside a discharge" in w for w in found["warnings"])
    tested = rate(data)
    assert tested["capacities_mAh"] == pytest.approx([0.9])
    assert any("ends inside a discharge" in w for w in tested["warnings"])


def test_soft_shorts_are_flagged_and_sound_cycles_are_not():
    charges = [charge(1e-3, seed=k, noise=2e-5) for k in range(6)]
    discharges = [discharge(0.99e-3, seed=9 + k, noise=2e-5) for k in range(6)]
    assert cycles(full_cell(charges, discharges))["soft_shorts"] == []
    charges[3] = charge(1.2e-3, seed=3, noise=2e-5)
    charges[4] = charge(1e-3, seed=4, noise=5e-3)
    charges[5] = charge(1e-3, seed=5, noise=2e-5, flat=True)
    found = cycles(full_cell(charges, discharges))
    signs = {s["cycle"]: " ".join(s["signs"]) for s in found["soft_shorts"]}
    assert set(signs) == {4, 5, 6}
    assert "more is charged than was discharged before (1.21)" in signs[4]
    assert "noisy" in signs[5] and "flat" in signs[6]
    assert found["cycles"][3]["flags"] and not found["cycles"][2]["flags"]


def test_plating_on_a_bare_collector_has_the_plated_charge_as_basis():
    """Half a mAh is plated at -30 mV and stripped until 1 V, nine tenths of it."""

    def plate():
        t, i, _ = half(0.5e-3, 1e-3, 0, 1)
        return t, i, np.full(SAMPLES, -0.03)

    def strip(capacity):
        t, i, _ = half(capacity, -1e-3, 0, 1)
        return t, i, np.where(np.arange(SAMPLES) < SAMPLES - 4, 0.03, 1.0)

    parts = [plate(), strip(0.45e-3), plate(), strip(0.48e-3)]
    # The efficiency is the same where the file begins with a strip of what was there.
    for first in ([], [strip(0.1e-3)]):
        found = cycles(series([*first, *parts]))
        got = [r["coulombic_efficiency"] for r in found["cycles"]]
        assert got[-2:] == pytest.approx([0.9, 0.96])
        assert found["soft_shorts"] == []
        assert all(r["energy_efficiency"] is None for r in found["cycles"])
    plating = cycles(series(parts))["plating"]
    assert plating["plated_mAh"] == pytest.approx(1.0)
    assert plating["mean_efficiency"] == pytest.approx(0.93)
    assert any("bare collector" in w for w in found["warnings"])


def test_command_prints_the_fields_of_the_contract_and_a_figure(capsys, tmp_path):
    from sscell.dataset import save_dataset

    data = full_cell([charge(1e-3), charge(0.95e-3)], [discharge(0.9e-3)] * 2)
    file = save_dataset(data, tmp_path / "cell.nc")
    figure = tmp_path / "cycles.png"
    with pytest.raises(SystemExit) as left:
        main(["analyse", str(file), "--kind", "cycles", "--reference-cycle", "2", "--json",
              "--plot", str(figure)])  # fmt: skip
    out, said = capsys.readouterr()
    assert left.value.code == 0, said
    row = json.loads(out)["cycles"][0]
    names = {"cycle", "charge_mAh", "discharge_mAh", "coulombic_efficiency", "retention",
             "energy_efficiency", "mean_charge_V", "mean_discharge_V"}  # fmt: skip
    assert names <= set(row)
    assert figure.stat().st_size > 5000
