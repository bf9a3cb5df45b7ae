"""From a protocol to a result: states, stops, rests, failures, warnings."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

import sscell
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError
from sscell.simulation.engine import Engine, Resolution

CHARGE = "Discharge capacity [A.h]"


def _steps(run):
    return sscell.summary(run)["steps"]


def test_charge_of_a_pristine_cell_is_prepared_by_a_discharge(ji, ji_steps):
    run = sscell.simulate(ji, sscell.charge("C/20"), temperature=60)
    first, second = _steps(run)
    assert (first["direction"], first["preparatory"]) == ("discharge", True)
    assert (second["direction"], second["preparatory"]) == ("charge", False)
    cycle = ji_steps(60)
    assert second["capacity_mAh_g"] == pytest.approx(cycle[1]["capacity_mAh_g"], rel=1e-6)


def test_cell_that_charges_first_is_prepared_by_a_charge(table, make_cell):
    """The same cell assembled as Na2S: a discharge needs a charge before it."""
    tables = table()
    tables["rates"]["first_step"] = "charge"
    parameters = tables["parameters"]
    parameters["Initial Na2S fraction"] = dict(parameters["Initial S fraction"])
    parameters["Initial S fraction"]["value"] = 0.0
    run = sscell.simulate(make_cell(tables), sscell.discharge("C/20"), temperature=60)
    assert [(s["direction"], s["preparatory"]) for s in _steps(run)] == [
        ("charge", True),
        ("discharge", False),
    ]
    assert max(metadata(run, "balances").values()) < 1e-6


@pytest.mark.parametrize("celsius", [25, 60])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_state_of_charge_leaves_that_share_of_the_formed_capacity(ji, celsius, share):
    """To 50 %, then on at the same rate: half of what the formed cell discharges in one go.

    At 25 degC the first discharge is 1475 mAh/g, the formed cell holds 870: a state is a
    share of what is still there.
    """
    formed = sscell.simulate(ji, sscell.discharge(), temperature=celsius, state="formed")
    whole = _steps(formed)[0]["capacity_mAh_g"]
    rest = sscell.simulate(
        ji, sscell.discharge(), temperature=celsius, state=f"{share * 100:g}%"
    )
    assert _steps(rest)[0]["capacity_mAh_g"] == pytest.approx(share * whole, rel=0.02)


def test_state_of_a_voltage_starts_at_that_voltage_under_current(ji):
    run = sscell.simulate(ji, sscell.discharge(), temperature=60, state="1.3V")
    assert run["Voltage [V]"].values[0] == pytest.approx(1.3, abs=2e-3)


def test_formed_state_is_the_end_of_the_formation(ji, ji_steps):
    run = sscell.simulate(ji, sscell.cycle("C/20"), temperature=25, state="formed")
    second = ji_steps(25, cycles=2)[2:]
    for got, expected in zip(_steps(run), second, strict=True):
        assert got["capacity_mAh_g"] == pytest.approx(expected["capacity_mAh_g"], rel=1e-4)


def test_formation_at_another_temperature_is_remembered(ji):
    """Formed warm, the cell lost nothing: its second discharge at 25 degC is the larger."""
    cold, warm = (
        _steps(
            sscell.simulate(
                ji,
                sscell.discharge(),
                temperature=25,
                state="formed",
                formation_temperature=t,
            )
        )[0]["capacity_mAh_g"]
        for t in (25, 60)
    )
    assert warm > 1.3 * cold


@pytest.mark.parametrize("state", ["potato", "150%", "-5%", "50", "5V", ""])
def test_a_state_that_is_none_is_one_sentence(ji, state):
    with pytest.raises(ParameterError, match="[Ss]tate"):
        sscell.simulate(ji, sscell.discharge(), state=state)


def test_stop_reasons_say_what_ended_each_step(ji):
    run = sscell.simulate(ji, sscell.cycle("C/20", rest="10 min"), temperature=60)
    assert [s["stop_reason"] for s in metadata(run, "steps")] == [
        "lower voltage cut-off",
        "duration",
        "upper voltage cut-off",
        "duration",
    ]
    voltage, step = run["Voltage [V]"].values, run["Step"].values
    assert voltage[step == 1][-1] == pytest.approx(0.7, abs=1e-5)
    assert voltage[step == 3][-1] == pytest.approx(2.8, abs=1e-5)


def test_other_cut_offs_end_the_steps(ji):
    run = sscell.simulate(
        ji, sscell.cycle("C/20"), temperature=60, v_min=1.0, v_max="2.5 V"
    )
    voltage, step = run["Voltage [V]"].values, run["Step"].values
    assert voltage[step == 1][-1] == pytest.approx(1.0, abs=1e-5)
    assert voltage[step == 2][-1] == pytest.approx(2.5, abs=1e-5)


def test_cut_off_that_is_passed_at_once_is_a_step_of_no_charge(ji):
    run = sscell.simulate(ji, sscell.cycle("C/2"), temperature=25, v_min=1.9, v_max=2.1)
    steps = _steps(run)
    assert [s["direction"] for s in steps] == ["discharge", "charge"]
    assert [s["capacity_mAh_g"] for s in steps] == [0.0, 0.0]
    assert all(s["stop_reason"].endswith("at once") for s in steps)
    assert sscell.summary(run)["coulombic_efficiency"] == [None]


def test_rest_passes_no_charge_and_keeps_the_sodium(ji):
    run = sscell.simulate(ji, sscell.cycle("C/20", rest="20 h"), temperature=60)
    rest = run.isel(time=run["Step"].values == 2)
    assert np.all(rest["Current [A]"] == 0)
    assert np.ptp(rest[CHARGE].values) < 1e-12 * abs(rest[CHARGE].values[0])
    for name in (
        "Separator ohmic losses [V]",
        "Negative electrode reaction overpotential [V]",
        "Contact overpotential [V]",
    ):
        assert np.all(rest[name] == 0)


def test_voltage_relaxes_towards_a_rested_value(ji):
    """After a discharge it rises, and the last hour moves less than a hundredth of that."""
    run = sscell.simulate(ji, sscell.cycle("C/20", rest="40 h"), temperature=60)
    rest = run.isel(time=run["Step"].values == 2)
    hours = (rest["Time [s]"].values - rest["Time [s]"].values[0]) / 3600
    voltage = rest["Voltage [V]"].values
    late = voltage[-1] - np.interp(39, hours, voltage)
    assert voltage[-1] > voltage[0] + 0.05
    assert abs(late) < 0.01 * (voltage[-1] - voltage[0])


def test_time_and_charge_agree_with_the_current(ji_run):
    """Q = integral I dt, step by step, within what a nanosecond between steps weighs."""
    run = ji_run(60)
    t, i = run["Time [s]"].values, run["Current [A]"].values
    passed = np.concatenate([[0], np.cumsum(np.diff(t) * (i[1:] + i[:-1]) / 2)]) / 3600
    assert np.all(np.diff(t) >= 0)
    assert passed == pytest.approx(run[CHARGE].values, abs=1e-10)


@pytest.mark.parametrize("same", ["0.05C", "83.6mA/g", "58.52uA"])
def test_the_same_current_in_another_unit_gives_the_same_run(ji, ji_steps, same):
    run = sscell.simulate(ji, sscell.cycle(same), temperature=60)
    for got, expected in zip(_steps(run), ji_steps(60), strict=True):
        assert got["capacity_mAh_g"] == pytest.approx(expected["capacity_mAh_g"], rel=1e-6)


def test_a_failed_solver_leaves_what_was_done_before(ji, monkeypatch):
    """The third step fails: two half cycles are kept, and the sentence says which failed."""
    real, calls = Engine.step, []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) >= 3:  # also where it is tried again with smaller tolerances
            raise pybamm.SolverError("it did not converge\nsecond line")
        return real(*args, **kwargs)

    monkeypatch.setattr(Engine, "step", failing)
    with pytest.raises(SimulationError) as caught:
        sscell.simulate(ji, sscell.cycle("C/20", cycles=2), temperature=60)
    message = str(caught.value)
    assert "discharge of cycle 2" in message
    assert "Try" in message
    assert "\n" not in message
    steps = _steps(caught.value.partial)
    assert [s["direction"] for s in steps] == ["discharge", "charge"]
    assert steps[0]["capacity_mAh_g"] > 1500


def test_a_first_step_that_fails_has_nothing_to_keep(ji, monkeypatch):
    def failing(*args, **kwargs):
        raise pybamm.SolverError("no")

    monkeypatch.setattr(Engine, "step", failing)
    with pytest.raises(SimulationError) as caught:
        sscell.simulate(ji, sscell.discharge())
    assert caught.value.partial is None


def test_any_pybamm_experiment_runs(ji):
    """Current steps, a rest, a hold: PyBaMM's own steps on our model."""
    experiment = pybamm.Experiment(
        [
            "Discharge at C/10 for 2 hours",
            "Rest for 1 hour",
            "Charge at C/20 until 2.6 V",
            "Hold at 2.6 V for 1 hour",
        ]
    )
    run = sscell.simulate(ji, experiment, temperature=60)
    assert sorted(set(run["Step"].values)) == [1, 2, 3, 4]
    held = run["Voltage [V]"].values[run["Step"].values == 4]
    assert held[1:] == pytest.approx(np.full(held.size - 1, 2.6), abs=1e-3)
    first = run["Step"].values == 1
    assert np.ptp(run[CHARGE].values[first]) == pytest.approx(
        2 * ji.current("C/10"), rel=1e-6
    )
    assert max(metadata(run, "balances").values()) < 1e-6


def test_an_experiment_that_leaves_the_window_fails_with_what_it_has(ji):
    experiment = pybamm.Experiment(["Discharge at C/20 for 100 hours", "Rest for 1 hour"])
    with pytest.raises(SimulationError, match="voltage window") as caught:
        sscell.simulate(ji, experiment, temperature=60)
    assert caught.value.partial[CHARGE].values[-1] > 1e-3


def test_an_experiment_starts_from_a_state_as_a_protocol_does(ji):
    here = sscell.simulate(ji, sscell.discharge("C/10"), temperature=60, state="50%")
    there = sscell.simulate(
        ji,
        pybamm.Experiment(["Discharge at C/10 until 0.7 V"]),
        temperature=60,
        state="50%",
        outputs=[],
    )
    passed = [float(np.ptp(run[CHARGE].values)) for run in (here, there)]
    assert passed[1] == pytest.approx(passed[0], rel=1e-4)
    assert metadata(there, "state") == "50%"
    assert "Separator ohmic losses [V]" not in there


@pytest.mark.parametrize(
    "steps",
    [
        ["Charge at C/20 until 2 V", "Discharge at C/20 until 0.7 V"],
        [("Charge at C/20 until 2 V", "Discharge at C/20 until 0.7 V")],
    ],
)
def test_an_experiment_says_which_steps_were_skipped(ji, steps):
    run = sscell.simulate(ji, pybamm.Experiment(steps), temperature=60)
    (half,) = sscell.summary(run)["steps"]
    assert half["direction"] == "discharge"
    assert half["capacity_mAh_g"] == pytest.approx(1593.1, rel=2e-3)
    (note,) = [n for n in metadata(run, "warnings") if "skipped" in n]
    assert "'Charge at C/20 until 2 V'" in note


def test_an_experiment_of_which_nothing_is_left_is_a_sentence(ji):
    experiment = pybamm.Experiment(["Discharge at 20C until 0.7 V"])
    with pytest.raises(SimulationError, match="Discharge at 20C until 0.7 V"):
        sscell.simulate(ji, experiment, temperature=60)


def test_an_experiment_is_refused_a_voltage_that_no_protocol_may_have(ji):
    experiment = pybamm.Experiment(
        ["Discharge at C/20 until 0.7 V", "Hold at 50 V for 1 h"]
    )
    with pytest.raises(ParameterError, match="50 V"):
        sscell.simulate(ji, experiment, temperature=60)


def test_a_cycle_of_many_halves_counts_all_that_has_passed(ji):
    t = np.arange(0, 601, 10.0)
    drive = np.column_stack([t, 1e-5 * np.sign(np.sin(2 * np.pi * t / 200) + 0.2)])
    experiment = pybamm.Experiment([pybamm.step.current(drive)])
    found = sscell.summary(sscell.simulate(ji, experiment, temperature=60))
    passed = {"discharge": 0.0, "charge": 0.0}
    for half in found["steps"]:
        passed[half["direction"]] += half["capacity_mAh_g"]
    ratio = passed["charge"] / passed["discharge"]
    assert found["coulombic_efficiency"] == [pytest.approx(ratio)]
    assert ratio < 1


def test_a_state_does_not_move_with_other_cut_offs(ji):
    first = [
        float(
            sscell.simulate(ji, sscell.rest("1 h"), temperature=60, state="50%", v_min=low)[
                CHARGE
            ][0]
        )
        for low in (None, 1.5)
    ]
    assert first[0] == first[1]


def test_a_state_by_voltage_says_where_the_cell_rests(ji):
    run = sscell.simulate(ji, sscell.rest("1 h"), temperature=60, state="1.9V")
    rested = float(run["Voltage [V]"][-1])
    (note,) = [n for n in metadata(run, "warnings") if n.startswith("State 1.9 V")]
    assert f"{rested:.3f} V" in note


@pytest.mark.parametrize(("cell", "volts"), [("Liang2023", 2.85), ("Pan2023", 0.6)])
def test_a_voltage_at_rest_stays_there(cell, volts):
    coarse = Resolution(shells=12)
    run = sscell.simulate(
        cell, sscell.rest("1 h"), state=f"{volts} V at rest", resolution=coarse
    )
    assert run["Voltage [V]"].values == pytest.approx(volts, abs=1e-3)
    assert not [n for n in metadata(run, "warnings") if n.startswith("State")]


def test_a_voltage_at_which_no_cell_rests_is_refused_with_figures(ji):
    with pytest.raises(ParameterError, match=r"rests at 1\.\d{3} to 2\.0\d\d V"):
        sscell.simulate(ji, sscell.rest("1 h"), temperature=60, state="2.4V at rest")
    with pytest.raises(ParameterError, match="at rest"):
        sscell.simulate(ji, sscell.rest("1 h"), state="50% at rest")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 5000}, "5000 degC is out of range"),
        ({"temperature": "5000"}, "5000 degC is out of range"),
        ({"temperature": "warm"}, "not in degC"),
        ({"v_min": 3.0}, "not below the upper one"),
        ({"v_min": "low"}, "not in V"),
        ({"changes": {"Separator thicknes [m]": 1e-3}}, "'Separator thickness [m]'"),
        ({"changes": {"Separator thickness [m]": -1e-3}}, "allowed"),
    ],
)
def test_a_bad_option_is_one_sentence(ji, options, sentence):
    with pytest.raises(ParameterError) as caught:
        sscell.simulate(ji, sscell.discharge(), **options)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"shells": 2}, "from 3 to 5000"),
        ({"shells": 20.5}, "whole number"),
        ({"thickness_points": 1}, "from 3 to 1000"),
        ({"rtol": 0}, "Tolerances"),
    ],
)
def test_a_bad_resolution_is_one_sentence(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        Resolution(**options)


def _warnings(ji, rate, celsius):
    run = sscell.simulate(ji, sscell.discharge(rate, until=1.8), temperature=celsius)
    return " ".join(metadata(run, "warnings"))


def test_outside_the_published_range_there_is_a_warning(ji):
    assert "10 degC is outside the published 25 to 90 degC" in _warnings(ji, "C/20", 10)
    assert "1C is outside the published C/100 to C/3" in _warnings(ji, "1C", 60)
    assert "outside" not in _warnings(ji, "C/3", 25)
    assert "outside" not in _warnings(ji, "C/100", 90)


def test_assumptions_that_matter_are_repeated(ji):
    assert "Separator conductivity" in _warnings(ji, "C/20", 60)


def test_progress_rises_from_zero_to_one(ji):
    seen = []
    sscell.simulate(
        ji,
        sscell.cycle("C/20", cycles=2),
        temperature=60,
        on_progress=lambda share, text: seen.append((share, text)),
    )
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert seen[0][1] == "cycle 1, discharge"


def test_energy_is_that_of_the_voltage_over_the_charge(ji_run):
    """E = integral (V + U_anode) dQ, against the sum over the integrator's own steps at a
    hundred times tighter tolerance.
    """
    coarse, fine = (
        sscell.summary(ji_run(60, **options))["steps"][0]["energy_Wh_kg"]
        for options in ({}, {"rtol": 1e-7, "atol": 1e-9})
    )
    assert coarse == pytest.approx(fine, rel=1e-3)


def test_only_the_outputs_asked_for_are_kept_and_nothing_else_changes(ji):
    coarse = Resolution(shells=10)
    whole = sscell.simulate(ji, sscell.cycle("C/5"), resolution=coarse)
    part = sscell.simulate(
        ji, sscell.cycle("C/5"), resolution=coarse, outputs=["S fraction"]
    )
    assert set(part.data_vars) == {
        *("Time [s]", "Current [A]", "Voltage [V]", "Discharge capacity [A.h]"),
        *("Temperature [degC]", "Cycle", "Step", "S fraction"),
    }
    for name in part.data_vars:
        assert np.array_equal(part[name], whole[name])
    assert part.attrs["balances"] == whole.attrs["balances"]
    few, many = sscell.summary(part)["steps"], sscell.summary(whole)["steps"]
    assert [s["capacity_mAh_g"] for s in few] == [s["capacity_mAh_g"] for s in many]
    assert set(few[0]["final_phase_fraction"]) == {"S"}
    with pytest.raises(ParameterError, match="S fraction"):
        sscell.simulate(ji, sscell.cycle("C/5"), outputs=["S fractoin"])
