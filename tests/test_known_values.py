"""Values with errors from pellets and from other fits, as priors of a fit."""

import json
import tomllib

import numpy as np
import pytest

import sscell
from sscell.analysis.known import known_values
from sscell.cells.cell import Cell
from sscell.cells.parameters import ParameterSet
from sscell.cells.symmetric_parts import SymmetricParts, symmetric_tables
from sscell.cells.writing import write_set
from sscell.cli import main
from sscell.dataset import save_dataset, spectrum
from sscell.errors import DataError, ParameterError
from sscell.fitting.priors import Prior, priors_for, read_priors, write_priors

SEPARATOR = "Separator conductivity [S.m-1]"
BARRIER = "Separator conductivity activation energy [J.mol-1]"
INTERPHASE = "Negative electrode interphase resistance [Ohm.m2]"
F = np.logspace(6, 0, 25)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    out, said = capsys.readouterr()
    return left.value.code, out, said


def pellet(tmp_path, celsius, resistance, interface=0.0):
    rng = np.random.default_rng(int(celsius))
    z = resistance + interface / (1 + 2j * np.pi * F * interface * 1e-5)
    if not interface:
        z = z + 1 / (2j * np.pi * F * 1e-6)
    z = z * (1 + 2e-3 * (rng.normal(size=len(F)) + 1j * rng.normal(size=len(F))))
    columns = {"Frequency [Hz]": F, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag}
    return save_dataset(spectrum(columns), tmp_path / f"p{celsius}{interface:g}.nc")


def entry(mean, error=None, **more):
    return Prior(mean=mean, std_error=error or 0.05 * mean, source="a pellet", **more)


def test_analyse_writes_what_a_pellet_says(capsys, tmp_path):
    file, out = pellet(tmp_path, 25, 60.0), tmp_path / "pellet.toml"
    code, said, wrong = run(
        capsys, "analyse", file, "--kind", "conductivity", "-T", "25", "--thickness", "0.6mm",
        "--thickness-error", "12um", "--diameter", "10mm", "-o", out, "--json",
    )  # fmt: skip
    assert code == 0, wrong
    told = tomllib.loads(out.read_text())
    assert told.keys() == {SEPARATOR} == json.loads(said)["priors"].keys()
    true = 6e-4 / (60.0 * np.pi / 4 * 1e-4)
    assert told[SEPARATOR]["mean"] == pytest.approx(true, rel=0.01)
    # Two per cent of the thickness outweigh the scatter of the spectrum.
    assert told[SEPARATOR]["std_error"] == pytest.approx(0.02 * true, rel=0.1)
    assert file.name in told[SEPARATOR]["source"]


def test_temperatures_give_the_energy_that_models_use(capsys, tmp_path):
    """ln(sigma), not ln(sigma T): what the cell's Arrhenius law has."""
    hot = (0, 20, 40, 60)
    factor = [np.exp(3e4 / 8.314462618 * (1 / (t + 273.15) - 1 / 298.15)) for t in hot]
    files = [pellet(tmp_path, t, 60.0 * x) for t, x in zip(hot, factor, strict=True)]
    code, said, wrong = run(
        capsys, "analyse", *files, *(x for t in hot for x in ("-T", t)), "--kind",
        "conductivity", "--thickness", "0.6mm", "--diameter", "10mm", "-o",
        tmp_path / "pellet.toml",
    )  # fmt: skip
    assert code == 0, wrong
    assert "none of the thickness" in said
    told = read_priors(tmp_path / "pellet.toml")
    assert abs(told[BARRIER].mean - 3e4) < 3 * told[BARRIER].std_error < 600
    true = 6e-4 / (60.0 * np.pi / 4 * 1e-4)
    assert abs(told[SEPARATOR].mean - true) < 3 * told[SEPARATOR].std_error
    assert told[SEPARATOR].temperature_C == 25


def test_interfaces_of_a_symmetric_cell_are_halved(capsys, tmp_path):
    file = pellet(tmp_path, 25, 60.0, interface=40.0)
    code, _, wrong = run(
        capsys, "analyse", file, "--kind", "conductivity", "--thickness", "0.6mm", "--area",
        "1cm2", "-o", tmp_path / "sym.toml",
    )  # fmt: skip
    assert code == 0, wrong
    told = read_priors(tmp_path / "sym.toml")
    assert told[INTERPHASE].mean == pytest.approx(40.0 * 1e-4 / 2, rel=0.01)
    assert told[SEPARATOR].mean == pytest.approx(6e-4 / (60.0 * 1e-4), rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kind", "eis", "-o", "a.toml"), "not eis"),
        (("--kind", "conductivity", "-o", "a.json"), "toml"),
        (("--kind", "conductivity", "--parameter", SEPARATOR), "goes with -o"),
        (("--kind", "conductivity", "-o", "a.toml"), "are needed"),
        (("--kind", "conductivity", "-o", "a.toml", "--parameter", "L [m]"), "must end in"),
    ],
)
def test_what_says_no_parameter_is_refused(capsys, tmp_path, monkeypatch, options, message):
    file = pellet(tmp_path, 25, 60.0)
    monkeypatch.chdir(tmp_path)
    code, _, said = run(capsys, "analyse", file, *options)
    assert code == 2 and message in said
    assert not (tmp_path / "a.toml").exists()


def test_polarisation_needs_the_name_of_what_conducts():
    found = {"conductivity_S_cm": 1e-5, "std_error": 1e-7, "conducts": "ionic"}
    name = "Positive electrode electrolyte conductivity [S.m-1]"
    told = known_values("polarisation", found, "hold.csv", parameter=name)
    assert told[name]["mean"] == pytest.approx(1e-3)
    with pytest.raises(ParameterError, match="--parameter"):
        known_values("polarisation", found, "hold.csv")
    with pytest.raises(DataError, match="--thickness"):
        known_values("polarisation", {"conductivity_S_cm": None, "std_error": None},
                     "hold.csv", parameter=name)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no prior"),
        ("a = 1", "no table"),
        ("not toml", "no TOML"),
        (f'["{SEPARATOR}"]\nmean = 1.0\nstd_error = 0.1', "has no 'source'"),
        (f'["{SEPARATOR}"]\nmean = 1.0\nstd_eror = 0.1\nsource = "a"', "std_error"),
        (f'["{SEPARATOR}"]\nmean = 1.0\nstd_error = 0.0\nsource = "a"', "greater than 0"),
        (f'["{SEPARATOR}"]\nmean = nan\nstd_error = 1.0\nsource = "a"', "finite"),
    ],
)
def test_files_that_are_no_priors_are_a_sentence(tmp_path, text, message):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message):
        read_priors(path)


def test_files_are_used_as_far_as_the_fit_varies_them(tmp_path):
    cell = Cell.load("Ji2024")
    path = write_priors(
        tmp_path / "a.toml",
        {SEPARATOR: entry(0.02), "Contact resistance [Ohm]": entry(3.0)},
    )
    used, told = priors_for(cell, [path], [SEPARATOR])
    assert used == {SEPARATOR: (0.02, 0.001)}
    assert any("Contact resistance [Ohm] is not used" in t for t in told)
    with pytest.raises(ParameterError, match="Nothing of what"):
        priors_for(cell, [path], ["R3 rate constant [s-1]"])
    with pytest.raises(ParameterError, match="Two files"):
        priors_for(cell, [path, path], [SEPARATOR])
    with pytest.raises(ParameterError, match="no file"):
        priors_for(cell, [tmp_path / "b.toml"], [SEPARATOR])


def test_a_conductivity_of_another_temperature_moves_by_its_energy(tmp_path):
    cell = Cell.load("Ji2024")
    path = write_priors(tmp_path / "a.toml", {SEPARATOR: entry(0.02, temperature_C=60.0)})
    used, told = priors_for(cell, [path], [SEPARATOR])
    energy, own = (
        cell.values[BARRIER],
        cell.values["Separator conductivity temperature [K]"],
    )
    factor = np.exp(energy / 8.314462618 * (1 / 333.15 - 1 / own))
    assert used[SEPARATOR] == pytest.approx((0.02 * factor, 0.001 * factor), rel=1e-6)
    assert "moved from 60" in told[0]


def test_a_fit_takes_priors_and_hands_on_what_it_found(capsys, tmp_path):
    """The exact value as a prior of 1 % leaves the fit no other; it is handed on."""
    parts = SymmetricParts("sym", "Li", ("Li6PS5Cl:600um",), diameter="10mm")
    cell = Cell(ParameterSet.from_table(symmetric_tables(parts)))
    sym = write_set(cell.parameters, tmp_path / "sym.toml")
    data = sscell.simulate(cell, sscell.protocols.impedance(np.logspace(5, 0, 12)))
    file = save_dataset(data, tmp_path / "cell.nc")
    value = cell.values[SEPARATOR]
    first = write_priors(tmp_path / "first.toml", {SEPARATOR: entry(value, 1e-4 * value)})
    out, vary = tmp_path / "second.toml", f"{SEPARATOR}={value / 3}:{value * 4}"
    code, said, wrong = run(
        capsys,
        "fit",
        sym,
        file,
        "--vary",
        vary,
        "--prior",
        first,
        "--priors-out",
        out,
        "--json",
    )
    assert code == 0, wrong
    found = json.loads(said)
    row = found["parameters"][0]
    assert row["prior"] == pytest.approx([value, 1e-4 * value])
    assert row["std_error"] < 1.01e-4 * value
    assert any("Prior of Separator conductivity" in w for w in found["warnings"])
    handed = read_priors(out)[SEPARATOR]
    assert handed.mean == pytest.approx(row["value"], rel=1e-5)
    assert handed.std_error == pytest.approx(row["std_error"], rel=1e-5)
    assert "fitted to cell.nc" in handed.source
    code, _, wrong = run(
        capsys, "fit", sym, file, "--vary", vary, "--prior", first, "--prior",
        f"{SEPARATOR}={value}:{value}",
    )  # fmt: skip
    assert code == 2 and "twice" in wrong
