"""The fit commands as a person runs them: files in, JSON, report and cell out."""

from __future__ import annotations

import json

import pytest
from commands import run_process as _sscell

import sscell
from sscell.cells.cell import Cell
from sscell.cli import main
from sscell.simulation.engine import Resolution

CONTACT = "Contact resistance [Ohm]"


@pytest.fixture(scope="module")
def measured(ji, tmp_path_factory):
    """A discharge and a charge of a cell whose contact is worse, as CSV files."""
    folder = tmp_path_factory.mktemp("measured")
    true = ji.replace({CONTACT: 400.0})
    for name, protocol in (("d", sscell.discharge("C/10")), ("c", sscell.charge("C/20"))):
        run = sscell.simulate(true, protocol, temperature=60, resolution=Resolution(25))
        columns = ["Time [s]", "Current [A]", "Voltage [V]"]
        run[columns].to_dataframe().to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_fit_finds_the_contact_and_writes_cell_and_report(measured, tmp_path):
    ended = _sscell(
        *("fit", "Ji2024", measured / "d.csv", "-T", "60", "--json"),
        *("--current-sign", "discharge", "--noise", "2mV"),
        *("--vary", f"{CONTACT}=10:4000", "--profile", CONTACT),
        *("--hold-out", measured / "c.csv"),
        *("-o", tmp_path / "mine.toml", "--report", tmp_path / "fit.html"),
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    (row,) = found["parameters"]
    assert row["name"] == CONTACT
    assert row["value"] == pytest.approx(400, rel=0.02)
    assert row["std_error"] > 0
    low, high = found["profiles"][0]["interval_95"]
    assert low < 400 < high
    assert found["held_out"][0]["rms_mV"] < 2
    assert {"warnings", "capacity_basis", "voltage_reference", "temperature_C"} <= set(
        found
    )
    saved = Cell.load(tmp_path / "mine.toml").values[CONTACT]
    assert saved == pytest.approx(row["value"], rel=1e-8)
    page = (tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "not fitted" in page
    assert "sscell fit Ji2024" in page or "fit Ji2024" in page


def _told(capfd, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


def test_identify_fits_nothing_and_says_what_the_data_pin(measured, capfd):
    code, out, _ = _told(
        capfd,
        *("fit", "Ji2024", measured / "d.csv", "-T", "60", "--identify", "--json"),
        *("--current-sign", "discharge", "--vary", f"{CONTACT}=10:4000"),
    )
    assert code == 0
    found = json.loads(out)
    assert found["parameters"][0]["pinned"]
    assert found["sentences"] == ["The data pin every parameter, each on its own."]


def test_plan_ranks_tests_by_bits_per_hour(capfd):
    code, out, _ = _told(
        capfd, "plan", "Liang2023", "--json", "--vary", f"{CONTACT}=10:4000"
    )
    assert code == 0
    tests = [t for t in json.loads(out)["tests"] if not t["failed"]]
    assert len(tests) > 5
    pace = [t["bits_per_hour"] for t in tests]
    assert pace == sorted(pace, reverse=True)
    assert all(t["hours"] > 0 for t in tests)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--vary", "Contact resistance [Ohm]"), "must read 'NAME=low:high'"),
        (("--vary", "Contact resistence [Ohm]=1:2"), "Did you mean"),
        (
            ("--vary", f"{CONTACT}=1:2", "--report", "fit.pdf"),
            "the ending must be one of .html",
        ),
        (("--vary", f"{CONTACT}=1:2", "-T", "25", "-T", "60"), "once for each of the 1"),
        (("--vary", f"{CONTACT}=1:2", "--cutoffs", "3V,2V"), "lower and an upper"),
        (("--vary", f"{CONTACT}=1:2", "--current-sign", "charge"), "wrong way round"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_a_sentence(
    measured, capfd, arguments, sentence
):
    given = ("--current-sign", "discharge") if "--current-sign" not in arguments else ()
    code, out, err = _told(capfd, "fit", "Ji2024", measured / "d.csv", *given, *arguments)
    assert code != 0
    assert out == ""
    assert sentence in " ".join(err.split())
    assert "Traceback" not in err


def test_a_fit_that_cannot_be_validated_keeps_what_it_found(
    measured, tmp_path, capfd, monkeypatch
):
    from sscell import fitting
    from sscell.errors import SimulationError

    def broken(*arguments, **options):
        raise SimulationError("made to fail")

    monkeypatch.setattr(fitting, "validate_fit", broken)
    code, out, err = _told(
        capfd,
        *("fit", "Ji2024", measured / "d.csv", "-T", "60", "--json", "--points", "40"),
        *("--current-sign", "discharge", "--noise", "2mV", "--vary", f"{CONTACT}=100:900"),
        *("--hold-out", measured / "c.csv", "--set", f"{CONTACT}=390"),
        *("-o", tmp_path / "mine.toml", "--report", tmp_path / "my$own$.html"),
    )
    assert code == 1
    assert "c.csv could not be predicted: made to fail" in err
    assert "Traceback" not in err
    found = json.loads(out)
    assert found["parameters"][0]["value"] == pytest.approx(400, rel=0.02)
    assert any("made to fail" in w for w in found["warnings"])
    assert (tmp_path / "mine.toml").exists()
    assert (tmp_path / "my$own$.html").exists()


def test_held_out_data_of_another_cell_are_refused_before_the_fit(
    measured, tmp_path, capfd
):
    import pandas as pd

    table = pd.read_csv(measured / "c.csv")
    table["Voltage [V]"] *= 2.2
    table.to_csv(tmp_path / "other.csv", index=False)
    code, out, err = _told(
        capfd,
        *("fit", "Ji2024", measured / "d.csv", "-T", "60", "--current-sign", "discharge"),
        *("--vary", f"{CONTACT}=100:900", "--hold-out", tmp_path / "other.csv"),
    )
    assert code == 2
    assert "another cell" in err
    assert not out
