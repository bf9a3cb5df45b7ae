"""Small files of the kinds that people bring, each with the right answer beside it."""

import json
from pathlib import Path

import numpy as np
import pytest

from sscell.cli import main
from sscell.readers import read

CASES = Path(__file__).parent / "cases" / "data"


def case(number):
    """Folder of a case, and the command in its expected.txt."""
    folder = next(CASES.glob(f"{number}-*"))
    command = (folder / "expected.txt").read_text(encoding="utf-8").split("  ->")[0]
    return folder, command.removeprefix("sscell ").strip().split(" ")


def answer(capsys, monkeypatch, number, *more):
    folder, command = case(number)
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as left:
        main([*command, *more, "--json"])
    out, said = capsys.readouterr()
    assert left.value.code == 0, said
    return json.loads(out), said


@pytest.mark.parametrize(
    ("number", "seconds", "cycles"),
    [
        ("01", 19200, 2), ("02", 19200, 2), ("05", 38400, 2), ("06", 19200, 2),
        ("07", 19200, 2), ("18", 19200, 2), ("25", 19200, 2), ("26", None, 2),
        ("28", 19200, 2), ("29", 19200, 2), ("31", 19200, 2), ("35", 19200, 2),
        ("37", 19200, 2), ("23", 19200, 2),
    ],
)  # fmt: skip
def test_every_half_cycle_has_its_charge(capsys, monkeypatch, number, seconds, cycles):
    if number == "01":
        pytest.importorskip("galvani")
    result, said = answer(capsys, monkeypatch, number)
    assert result["capacities_mAh"] == pytest.approx([1.0], rel=2e-3)
    assert result["currents_A"] == pytest.approx([1e-3], rel=1e-3)
    assert result["cycles"] == [cycles]
    assert result["coulombic_efficiency"] == pytest.approx([1.0, 1.0], rel=2e-3)
    assert result["last_time_s"] == pytest.approx(seconds or 19200, abs=1)
    assert "open circuit" not in said
    assert f"{result['recognised']}." in said


@pytest.mark.parametrize(
    ("number", "rows", "seconds"),
    [("03", 72, 19200), ("08", 72, 320), ("17", 72, 19200), ("33", 72, 19200),
     ("36", 116, 58800)],
)  # fmt: skip
def test_no_row_is_lost_and_time_ends_where_it_should(
    capsys, monkeypatch, tmp_path, number, rows, seconds
):
    folder, command = case(number)
    monkeypatch.chdir(folder)
    target = tmp_path / "x.bdf.csv"
    command[command.index("-o") + 1] = str(target)
    with pytest.raises(SystemExit) as left:
        main([*command, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert left.value.code == 0
    assert (result["rows"], result["last_time_s"]) == (rows, pytest.approx(seconds))
    again = read(target)
    assert again.sizes["time"] == rows
    assert float(again["Time [s]"][-1] - again["Time [s]"][0]) == pytest.approx(
        seconds if number != "36" else seconds - 60
    )
    if number == "33":
        np.testing.assert_allclose(again["Temperature [degC]"], 60.0)


def test_a_pause_logged_by_one_row_is_no_charge(capsys, monkeypatch):
    result, said = answer(capsys, monkeypatch, "04")
    assert result["capacities_mAh"] == pytest.approx([2.0], rel=1e-3)
    assert "mAh column agrees" in said


@pytest.mark.parametrize("number", ["09", "10", "11", "12", "51"])
def test_titrations_give_the_same_pulses_whatever_their_rests_hold(
    capsys, monkeypatch, number
):
    result, _ = answer(capsys, monkeypatch, number)
    pulses = result["pulses"]
    assert [p["ocv_V"] for p in pulses] == pytest.approx([2.36, 2.35, 2.34], abs=1e-4)
    for pulse in pulses:
        assert pulse["overpotential_V"] == pytest.approx(0.041, abs=2e-4)
        assert pulse["diffusion_coefficient_cm2_s"] == pytest.approx(1e-12, rel=0.05)
        if number != "11":
            assert pulse["ohmic_V"] == pytest.approx(0.005, abs=2e-4)
    passed = np.diff([0.0, *(p["cumulative_capacity_mAh"] for p in pulses)])
    assert passed == pytest.approx([0.016667] * 3, rel=1e-3)


@pytest.mark.parametrize(("number", "ohm"), [("16", 50.0), ("24", 50.0), ("30", 50.0)])
def test_spectra_in_other_columns_and_units(capsys, monkeypatch, number, ohm):
    result, _ = answer(capsys, monkeypatch, number)
    assert result["interfacial_resistance_ohm"] == pytest.approx(ohm, rel=2e-3)
    assert max(result["spectra"][0]["imaginary_ohm"]) < 0
    assert result["kramers_kronig"]["valid"]
    if number == "24":
        assert result["interfacial_resistance_ohm_cm2"] == pytest.approx(100, rel=2e-3)


def test_sweeps_of_unequal_length_are_read_as_they_are(capsys, monkeypatch):
    result, _ = answer(capsys, monkeypatch, "32")
    assert result["interfacial_resistance_ohm"] == pytest.approx([50, 55, 60], rel=2e-3)
    assert [len(s["frequency_Hz"]) for s in result["spectra"]] == [31, 30, 31]


def test_a_file_with_series_and_spectra_gives_the_kind_asked_for():
    path = next(CASES.glob("31-*")) / "merged.mpt"
    with pytest.warns(UserWarning, match="rows of impedance were left out"):
        series = read(path, kind="series")
    with pytest.warns(UserWarning, match="no points of a spectrum"):
        spectra = read(path, kind="spectra")
    assert (series.sizes["time"], spectra.sizes["frequency"]) == (72, 31)


def test_milliseconds_under_a_header_of_seconds_are_told_by_the_stamps(capsys, monkeypatch):
    result, said = answer(capsys, monkeypatch, "34")
    assert "a factor of 1000 apart" in said
    assert any("factor of 1000" in note for note in result["warnings"])
