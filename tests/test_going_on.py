"""Drive cycles, and going on from a saved run."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

import sscell
from sscell.cli import main
from sscell.dataset import load_dataset, metadata, save_dataset
from sscell.errors import ParameterError
from sscell.protocols import hold, then
from sscell.simulation.engine import Resolution

CHARGE = "Discharge capacity [A.h]"
COARSE = Resolution(shells=25)


def _missed(run):
    """Charge less the integral of the current, per charge moved, at the solver's own points."""
    t, i, q = (run[n].values for n in ("Time [s]", "Current [A]", CHARGE))
    return (q[-1] - q[0] - np.trapezoid(i, t) / 3600) / (np.trapezoid(np.abs(i), t) / 3600)


@pytest.mark.parametrize(
    ("cell", "celsius", "state"),
    [("Ji2024", 60, "50%"), ("Song2024", 30, "50%"), ("Liang2023", 30, "pristine")],
)
def test_charge_of_a_drive_cycle_is_the_integral_of_its_current(cell, celsius, state):
    t = np.arange(0, 61.0)
    current = 1e-4 * np.sin(t / 10) + 2e-5
    drive = sscell.drive({"Time [s]": t + 5, "Current [A]": current})
    run = sscell.simulate(cell, drive, temperature=celsius, state=state)
    time, found = run["Time [s]"].values, run["Current [A]"].values
    assert found == pytest.approx(np.interp(time, t, current), abs=1e-9)
    planned = np.trapezoid(current, t) / 3600
    moved = np.trapezoid(np.abs(current), t) / 3600
    assert abs(np.diff(run[CHARGE].values[[0, -1]])[0] - planned) < 1e-4 * moved
    assert abs(_missed(run)) < 1e-4
    assert max(metadata(run, "balances").values()) < 1e-6


@pytest.mark.parametrize("cell", ["Song2024", "Liang2023"])
def test_charge_of_a_drive_cycle_by_power_is_the_integral_of_its_current(cell):
    """Little charge moves after much has passed, which the solver weighs its error by."""
    loaded = sscell.load(cell)
    t = np.arange(0, 9.0)
    power = 0.2 * loaded.current(loaded.slow_rate) * (np.sin(t) + 0.2)
    drive = sscell.drive({"Time [s]": t, "Power [W]": power})
    run = sscell.simulate(cell, drive, state="50%", resolution=COARSE)
    assert abs(_missed(run)) < 1e-4
    assert metadata(run, "failed_trials") == 0


def test_power_and_temperature_follow_their_rows():
    table = {
        "Time [s]": [0, 600, 600, 1200],
        "Power [W]": [1e-4, 2e-4, -1e-4, -2e-4],
        "Temperature [degC]": [60, 70, 70, 65],
    }
    protocol = then(sscell.drive(table), sscell.rest("1 min"))
    run = sscell.simulate("Ji2024", protocol, temperature=60, resolution=COARSE)
    driven = run.isel(time=run["Step"].values == 1)
    t = driven["Time [s]"].values
    power = driven["Voltage [V]"].values * driven["Current [A]"].values
    early = t < 600
    for rows, course in ((early, (1e-4, 2e-4)), (t > 600.001, (-1e-4, -2e-4))):
        span = (0, 600) if rows is early else (600, 1200)
        expected = np.interp(t[rows], span, course)
        assert power[rows] == pytest.approx(expected, rel=1e-3)
    celsius = np.interp(t, [0, 600, 1200], [60, 70, 65])
    assert driven["Temperature [degC]"].values == pytest.approx(celsius, abs=1e-6)
    assert run["Temperature [degC]"].values[-1] == pytest.approx(60)


def test_a_constant_row_is_the_same_as_a_step_of_that_current():
    current = sscell.load("Ji2024").current("C/20")
    drive = sscell.drive({"Time [s]": [0, 36000], "Current [A]": [current, current]})
    step = sscell.discharge("C/20", duration="10 h")
    here, there = (
        sscell.simulate("Ji2024", p, temperature=60, resolution=COARSE)
        for p in (drive, step)
    )
    assert float(here["Voltage [V]"][-1]) == pytest.approx(
        float(there["Voltage [V]"][-1]), abs=2e-4
    )


def test_a_drive_cycle_ends_at_the_cut_off():
    drive = sscell.drive({"Time [s]": [0, 4e5], "Current [A]": [1e-4, 1e-4]})
    run = sscell.simulate("Ji2024", drive, temperature=60, resolution=COARSE)
    assert metadata(run, "stop_reasons") == ["lower voltage cut-off"]
    assert float(run["Voltage [V]"][-1]) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"Time [s]": [0, 1]}, "Current [A]"),
        ({"Current [A]": [0, 1]}, "Time [s]"),
        ({"Time [s]": [0, 1], "Current [A]": [0, 1], "Power [W]": [0, 1]}, "not both"),
        ({"Time [s]": [0, 1], "Current [A]": [0, np.nan]}, "Row 2"),
        ({"Time [s]": [1, 0], "Current [A]": [0, 1]}, "backwards"),
        ({"Time [s]": [1, 1], "Current [A]": [0, 1]}, "two times"),
        ({"Time [s]": [0, 1], "Current [A]": ["a", "b"]}, "numbers"),
        ("no.csv", "no.csv"),
        (5, "table of columns"),
    ],
)
def test_a_bad_table_is_one_sentence(table, sentence):
    with pytest.raises(ParameterError) as caught:
        sscell.drive(table)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def first():
    protocol = sscell.discharge("C/20")
    return sscell.simulate("Ji2024", protocol, temperature=60, resolution=COARSE)


def test_going_on_is_as_if_the_run_had_never_ended(first, tmp_path):
    save_dataset(first, tmp_path / "run.nc")
    later = sscell.simulate("Ji2024", sscell.charge("C/20"), start=tmp_path / "run.nc")
    whole = sscell.simulate(
        "Ji2024",
        then(sscell.discharge("C/20"), sscell.charge("C/20")),
        temperature=60,
        resolution=COARSE,
    )
    passed = np.ptp(whole[CHARGE].values[whole["Step"].values == 2])
    assert np.ptp(later[CHARGE].values) == pytest.approx(passed, rel=1e-9)
    assert float(later["Temperature [degC]"][0]) == pytest.approx(60)
    (half,) = sscell.summary(later)["steps"]
    assert (half["direction"], half["preparatory"]) == ("charge", False)
    again = sscell.simulate("Ji2024", sscell.cycle("C/10"), start=later)
    assert [s["direction"] for s in sscell.summary(again)["steps"]] == [
        "discharge",
        "charge",
    ]


@pytest.mark.parametrize("name", ["Liang2023", "Pan2023", "Ji2024"])
def test_a_hold_goes_on_from_a_run_without_double_layers(name):
    coarse = Resolution(shells=12)
    level = sscell.load(name).current(sscell.load(name).slow_rate)
    current = f"{2 * level:.6g} A"
    part = (
        sscell.discharge if sscell.load(name).first_step == "discharge" else sscell.charge
    )
    begun = then(part(current, duration="1 h"), sscell.rest("2 h"))
    before = sscell.simulate(name, begun, resolution=coarse)
    rested = float(before["Voltage [V]"][-1])
    held = hold(f"{rested:.5f} V", duration="1 h")
    later = sscell.simulate(name, held, start=before)
    assert np.abs(later["Current [A]"].values[1:]).max() < 0.2 * level
    assert any("double layers" in note for note in metadata(later, "warnings"))
    assert max(metadata(later, "balances").values()) < 1e-6


def test_only_netcdf_keeps_the_last_state(first, tmp_path):
    assert load_dataset(save_dataset(first, tmp_path / "a.nc")).attrs == first.attrs
    for suffix in (".csv", ".parquet"):
        path = save_dataset(first, tmp_path / f"a{suffix}")
        with pytest.raises(ParameterError, match="no last state"):
            sscell.simulate("Ji2024", sscell.charge(), start=path)


@pytest.mark.parametrize(
    ("cell", "protocol", "options", "sentence"),
    [
        ("Pan2023", sscell.charge(), {}, "made with Ji2024"),
        ("Ji2024", sscell.charge(), {"state": "formed"}, "give one"),
        ("Ji2024", sscell.charge(), {"resolution": Resolution(shells=30)}, "mesh"),
    ],
)
def test_what_cannot_go_on_is_a_sentence(first, cell, protocol, options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        sscell.simulate(cell, protocol, start=first, **options)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "run.nc", "--state", "formed"],
        ["--drive", "drive.csv", "-C", "C/20"],
        ["--drive", "drive.csv", "--cycles", "1"],
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drive.csv").write_text("Time [s],Current [A]\n0,0\n10,1e-5\n")
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "Ji2024", *arguments])
    assert ended.value.code == 2
    assert arguments[0] in capfd.readouterr().err


@pytest.mark.parametrize("name", ["Ji2024", "Chang2024-LPS15", "Liang2023-VBr3"])
def test_every_variant_gives_its_values_to_pybamm(name):
    cell = sscell.load(name)
    values = cell.parameter_values()
    assert isinstance(values, pybamm.ParameterValues)
    assert values["Electrode area [m2]"] == cell.area
