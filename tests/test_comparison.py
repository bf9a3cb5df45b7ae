"""A run beside measured files, and the choice of what is compared."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest

import sscell
from sscell.analysis import compare
from sscell.analysis.comparison import flat, misfits
from sscell.cli import main
from sscell.dataset import spectrum, time_series
from sscell.errors import ParameterError
from sscell.fitting.courses import course
from sscell.fitting.prepare import prepare
from sscell.readers import Choice

WINDOW = (2.5, 4.1)


def cycled(cycles=3, scale=1.0, shift=0.0, numbered=True):
    """Plateaus with a cliff at each end, cycle after cycle, each 2 % shorter."""
    rows = []
    clock = 0.0
    for cycle in range(1, cycles + 1):
        hours = scale * 0.98 ** (cycle - 1)
        x = np.linspace(0, 1, 200)
        for sign in (1, -1):
            level = 3.4 - 0.1 * x if sign > 0 else 3.5 + 0.1 * x
            cliff = np.clip(x - 0.97, 0, None) / 0.03
            v = level + shift - sign * cliff * (0.8 if sign > 0 else 0.5)
            t = clock + 3600 * hours * (x + 0.005)
            clock = t[-1]
            rows.append((t, np.full(200, sign * 1e-3), v, np.full(200, cycle)))
    columns = ("Time [s]", "Current [A]", "Voltage [V]", "Cycle")
    table = dict(zip(columns, map(np.concatenate, zip(*rows, strict=True)), strict=True))
    if not numbered:
        table.pop("Cycle")
    return time_series(table)


def test_a_cliff_is_a_matter_of_capacity_not_of_millivolts():
    """Curves 3.5 % short and 5 mV off: the flat part says 5 mV, the table 3.5 %."""
    found = compare(cycled(1, scale=0.965, shift=0.005), cycled(1))
    assert found.numbers["rms_mV"] == pytest.approx(6.5, abs=2.5)
    for row in found.half_cycles:
        assert row["model_mAh"] / row["measured_mAh"] == pytest.approx(0.965, rel=1e-3)
    assert 4 < found.numbers["distance"] < 40


def test_short_and_long_are_equally_far():
    (short,), (long,) = (
        [compare(cycled(1, scale=s), cycled(1)).numbers["distance"]] for s in (0.95, 1.05)
    )
    assert short == pytest.approx(long, rel=0.2)
    assert short > 10


def test_equal_curves_are_no_distance_apart():
    q = np.linspace(0, 1, 100)
    v = 3 - q
    off, away = misfits((q, v), (q, v))
    assert np.abs(off).max() < 1e-12
    assert away.max() < 1e-6
    assert flat(q, v).all()


def test_half_cycles_are_paired_by_their_cycle_or_else_in_order():
    data = cycled(3)
    chosen = Choice(cycles="3", half="charge")
    for run, model in ((cycled(3), 0.98**2), (cycled(1), 1.0)):
        found = compare(run, data, chosen=chosen.rows(data))
        (row,) = found.half_cycles
        assert (row["cycle"], row["direction"]) == (3, "charge")
        assert row["measured_mAh"] == pytest.approx(0.98**2, rel=1e-2)
        assert row["model_mAh"] == pytest.approx(model, rel=1e-2)
    found = compare(cycled(1), data)
    assert len(found.half_cycles) == 2
    assert "4 half cycles" in found.remarks[0]


def test_spectra_are_compared_at_the_measured_frequencies_only():
    def arc(f, r):
        z = 5 + r / (1 + 2j * np.pi * f * 1e-3)
        return spectrum(
            {"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag}
        )

    wide, few = np.logspace(6, -2, 161), np.logspace(4, 0, 13)
    assert compare(arc(wide, 50), arc(few, 50)).numbers["rms_percent"] < 0.5
    assert compare(arc(wide, 60), arc(few, 50)).numbers["rms_percent"] > 5
    with pytest.raises(ParameterError, match="cannot be compared"):
        compare(arc(wide, 50), cycled(1))


@pytest.mark.parametrize("numbered", [True, False])
def test_a_choice_says_what_is_compared_and_all_before_is_repeated(numbered):
    data = cycled(3, numbered=numbered)
    found = course(data, WINDOW, choice=Choice(cycles="2", half="charge"))
    assert [bool(s.times.size) for s in found.segments] == [False, False, False, True]
    assert np.all(found.measured > 3.4)
    third = course(data, WINDOW, choice=Choice(drop="1,2"))
    assert [bool(s.times.size) for s in third.segments] == 4 * [False] + 2 * [True]
    middle = course(data, WINDOW, choice=Choice(cycles="1", window="3.35V,3.55V"))
    assert middle.measured.min() >= 3.35
    assert middle.measured.max() <= 3.55
    assert middle.measured.size > 150


def test_one_choice_for_all_or_one_for_each():
    data = {"a": cycled(2), "b": cycled(2)}
    name = "Positive electrode conductivity [S.m-1]"
    cell = sscell.load("Chang2024").replace({"Positive electrode mass [kg]": 5e-6})
    options = {"cutoffs": WINDOW, "noise": 1e-3}

    def compared(**choice):
        problem, _ = prepare(cell, data, {name: (1e-3, 1.0)}, **options, **choice)
        return [
            "".join("+" if s.times.size else "." for s in c.segments)
            for c in problem.courses
        ]

    with pytest.MonkeyPatch.context() as patch:
        preparing = importlib.import_module("sscell.fitting.prepare")
        patch.setattr(preparing, "check_course", lambda *_: None)
        patch.setattr(preparing, "begins_ahead", lambda *_: False)
        assert compared(cycles="2") == ["..++", "..++"]
        assert compared(cycles=["1", "2"], half="discharge") == ["+", "..+"]
        assert compared(cycles=[1], only="charge") == [".+", ".+"]
        with pytest.raises(ParameterError, match="no cycle 5"):
            compared(cycles="5")
        with pytest.raises(ParameterError, match="no choice of frequencies"):
            compared(frequencies="1kHz,1Hz")


def _told(capfd, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


def test_every_command_that_simulates_compares(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = ["--shells", "10", "--json"]
    commands = {
        "simulate": ["--cycles", "2"],
        "step": ["--voltage", "2V", "--duration", "10min"],
        "cv": ["--scan-rate", "1mV/s"],
    }
    for name, options in commands.items():
        own = [name, "Liang2023", *options, *quick]
        assert _told(capfd, *own, "-o", f"{name}.csv")[0] == 0
        beside = ["--compare", f"{name}.csv", "--plot", f"{name}.png"]
        code, out, err = _told(capfd, *own, *beside)
        assert code == 0, err
        (found,) = json.loads(out)["comparison"]
        assert found["file"] == f"{name}.csv"
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
        if name == "simulate":
            assert found["rms_mV"] < 0.1
            assert found["distance"] < 0.1
            assert len(found["half_cycles"]) == 4
        else:
            assert found["rms_uA"] < 0.05
    flags = ["--compare", "simulate.csv", "--compare-half", "charge", "--compare-cycles"]
    own = ["simulate", "Liang2023", *commands["simulate"], *quick, *flags]
    _, out, _ = _told(capfd, *own, "2")
    (found,) = json.loads(out)["comparison"]
    assert [(h["cycle"], h["direction"]) for h in found["half_cycles"]] == [(2, "charge")]
    code, _, err = _told(capfd, *own, "7")
    assert code == 2
    assert "no cycle 7" in err
    code, _, err = _told(capfd, "eis", "Liang2023", *quick, "--compare", "simulate.csv")
    assert code == 2
    assert "time series" in err
