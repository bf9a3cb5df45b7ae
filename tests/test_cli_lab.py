"""Commands of the lab as a person runs them: a process, its JSON, its exit code."""

from __future__ import annotations

import json

import pytest
from commands import run_here
from commands import run_process as _sscell

import sscell
from sscell.cli import main
from sscell.dataset import load_dataset

ALWAYS = {
    "cell": str,
    "temperature_C": float,
    "capacity_basis": str,
    "energy_basis": str,
    "voltage_reference": str,
    "warnings": list,
}
PULSE = {
    "cumulative_capacity_mAh_g": float,
    "ocv_V": float,
    "overpotential_V": float,
    "ohmic_V": float,
    "concentration_V": float,
    "diffusion_coefficient_cm2_s": (float, type(None)),
}


@pytest.fixture
def printed(capfd):
    """What a command prints in this process, which must be one JSON object only."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "-T", "60", "--json"])
        out, err = capfd.readouterr()
        assert ended.value.code == 0, err
        return _checked(out)

    return run


def _checked(text):
    payload = json.loads(text)
    assert isinstance(payload, dict)
    _has(payload, ALWAYS)
    assert payload["cell"] == "Ji2024"
    assert payload["temperature_C"] == 60
    assert payload["capacity_basis"] == "sulfur"
    assert all(isinstance(text, str) for text in payload["warnings"])
    return payload


def _has(row, fields):
    for name, kind in fields.items():
        assert name in row, name
        value = row[name]
        if kind is float:
            assert isinstance(value, float | int) and not isinstance(value, bool), name
        else:
            assert isinstance(value, kind), name


@pytest.fixture(scope="module")
def short():
    """Options that keep a titration short."""
    return ["-C", "C/10", "--pulse", "2h", "--rest", "1h", "--shells", "15"]


def test_gitt_prints_its_pulses_at_the_top_level(short):
    """One direction: `pulses` and `ocv_plateaus_V` stand at the top."""
    done = _sscell("gitt", "Ji2024", *short, "-T", "60", "--json")
    assert done.returncode == 0, done.stderr
    found = _checked(done.stdout)
    assert found["direction"] == "discharge"
    assert len(found["pulses"]) > 3
    for pulse in found["pulses"]:
        _has(pulse, PULSE)
    capacities = [p["cumulative_capacity_mAh_g"] for p in found["pulses"]]
    assert capacities == sorted(capacities)
    assert capacities[0] == pytest.approx(334.4, rel=1e-3)  # 1672 mA/g / 10 x 2 h
    assert all(0.5 < v < 2.8 for v in found["ocv_plateaus_V"])


def test_gitt_of_both_directions_prints_each_under_its_name(printed, short, tmp_path):
    """Two directions: under `discharge` and `charge`; data and figure are written."""
    data, figure = tmp_path / "titration.nc", tmp_path / "titration.png"
    found = printed(
        "gitt",
        "Ji2024",
        *short,
        "--direction",
        "both",
        "-o",
        str(data),
        "--plot",
        str(figure),
    )
    for direction in ("discharge", "charge"):
        for pulse in found[direction]["pulses"]:
            _has(pulse, PULSE)
        assert isinstance(found[direction]["ocv_plateaus_V"], list)
    assert "pulses" not in found
    assert data.stat().st_size > 0 and figure.stat().st_size > 0


def test_cv_prints_peaks_and_b_values(printed):
    """Peaks by scan rate and direction, b-values; positive currents discharge."""
    found = printed(
        "cv", "Ji2024", "--scan-rate", "0.1mV/s,0.2mV/s,0.5mV/s", "--shells", "60"
    )
    fields = {
        "scan_rate_mV_s": float,
        "direction": str,
        "voltage_V": float,
        "current_A": float,
    }
    assert found["peaks"]
    for peak in found["peaks"]:
        _has(peak, fields)
        assert (peak["current_A"] > 0) == (peak["direction"] == "discharge")
    rates = {round(p["scan_rate_mV_s"], 6) for p in found["peaks"]}
    assert rates == {0.1, 0.2, 0.5}
    assert found["b_values"]
    for row in found["b_values"]:
        _has(row, {"direction": str, "b": float, "points": int})
        assert 0 < row["b"] < 1.1


def test_rate_prints_a_capacity_for_each_current(printed):
    """The last unit of the list stands for all; capacity falls with the current."""
    found = printed("rate", "Ji2024", "--currents", "80,160,320mA/g", "--shells", "15")
    assert found["currents"] == ["80mA/g", "160mA/g", "320mA/g"]
    for name in ("capacities_mAh_g", "energies_Wh_kg", "powers_W_kg"):
        assert len(found[name]) == 3
        assert all(isinstance(v, float) and v > 0 for v in found[name])
    assert found["capacities_mAh_g"] == sorted(found["capacities_mAh_g"], reverse=True)
    assert found["powers_W_kg"] == sorted(found["powers_W_kg"])


def test_eis_prints_spectra_per_area(printed):
    """Ohm cm2, imaginary negative for a capacitive cell, one list for each state."""
    found = printed(
        "eis", "Ji2024", "--along", "discharge", "--points", "3", "-C", "C/10",
        "--frequencies", "1MHz,1mHz,5", "--shells", "15",
    )  # fmt: skip
    assert len(found["spectra"]) >= 2
    for row in found["spectra"]:
        _has(row, {"state": str})
        size = len(row["frequency_Hz"])
        assert size == 46
        assert len(row["real_ohm_cm2"]) == len(row["imaginary_ohm_cm2"]) == size
        assert row["frequency_Hz"][0] == pytest.approx(1e6)
        assert all(x < 0 for x in row["imaginary_ohm_cm2"])
    assert "interfacial_resistance_ohm_cm2" in found


def test_step_prints_diffusion_and_conductivity(printed):
    """Cottrell's D and Nernst-Einstein's conductivity of the layer."""
    found = printed(
        "step", "Ji2024", "--voltage", "1.9V", "--duration", "1h", "--shells", "60"
    )
    for name in ("diffusion_coefficient_cm2_s", "apparent_ionic_conductivity_S_cm"):
        assert isinstance(found[name], float) and found[name] > 0


NONSENSE = {
    "negative pulse": ["gitt", "Ji2024", "--pulse=-30min"],
    "unknown direction": ["gitt", "Ji2024", "--direction", "sideways"],
    "unknown method": ["gitt", "Ji2024", "--method", "guess"],
    "scan rate zero": ["cv", "Ji2024", "--scan-rate", "0mV/s"],
    "window reversed": ["cv", "Ji2024", "--window", "3V,0.5V"],
    "window of one": ["cv", "Ji2024", "--window", "3V"],
    "potato": ["gitt", "Ji2024", "-C", "potato"],
    "potato currents": ["rate", "Ji2024", "--currents", "25,potato"],
    "no currents": ["rate", "Ji2024", "--currents", ","],
    "cycles that are no number": ["rate", "Ji2024", "--currents", "1mA", "--cycles", "a"],
    "missing folder": ["gitt", "Ji2024", "-o", "no/such/folder/x.nc"],
    "unknown ending": ["gitt", "Ji2024", "--plot", "x.docx"],
    "pressure in pascal": ["eis", "Ji2024", "--pressure", "5e7"],
    "frequencies from low to high": ["eis", "Ji2024", "--frequencies", "1mHz,1MHz,10"],
    "one spectrum along": ["eis", "Ji2024", "--along", "charge", "--points", "1"],
    "voltage in hours": ["step", "Ji2024", "--voltage", "2h"],
    "no voltage": ["step", "Ji2024"],
}


# These need the cell, whose import takes seconds: once, in this process.
NEEDS_THE_CELL = {
    "unknown cell": ["cv", "Ji2042"],
    "unknown parameter": ["cv", "Ji2024", "--set", "Separator thicknes [m]=1"],
    "voltage far beyond": ["step", "Ji2024", "--voltage", "50V"],
    "too hot": ["step", "Ji2024", "--voltage", "2V", "-T", "5000"],
    "two shells": ["cv", "Ji2024", "--shells", "2"],
    "unknown state": ["eis", "Ji2024", "--state", "half full"],
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_ends_with_one_sentence_and_exit_code_2(name):
    """Nothing on stdout, one line on stderr, no traceback."""
    done = run_here(*NONSENSE[name], "--json")
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("sscell: ")
    assert len(lines[0]) > 20


@pytest.mark.parametrize("name", NEEDS_THE_CELL)
def test_nonsense_about_the_cell_ends_with_one_sentence_and_exit_code_2(name, capsys):
    """The same, where the parameter set has to be read first."""
    with pytest.raises(SystemExit) as ended:
        main([*NEEDS_THE_CELL[name], "--json"])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("sscell: ")
    assert len(lines[0]) > 20


@pytest.mark.parametrize("ending", ["csv", "nc"])
def test_eis_writes_spectra_that_load_again(tmp_path, ending):
    path = tmp_path / f"eis.{ending}"
    with pytest.raises(SystemExit) as ended:
        main(["eis", "Ji2024", "-T", "60", "--shells", "10", "-o", str(path)])
    assert not ended.value.code
    again = sscell.read(path) if ending == "csv" else load_dataset(path)
    assert again.sizes["frequency"] == 91
    assert (again["Z real [Ohm]"].values > 0).all()
