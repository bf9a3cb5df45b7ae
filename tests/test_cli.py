"""The command line: results, files, and every way to go wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from commands import run_here, run_process

from sscell.cells.library import available
from sscell.dataset import load_dataset, metadata


def _json(*arguments):
    done = run_here(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def cycle_files(tmp_path_factory):
    """One cycle at 60 degC with everything that can be written."""
    folder = tmp_path_factory.mktemp("cycle")
    data, figure = folder / "run.nc", folder / "run.png"
    arguments = ("Ji2024", "-T", "60", "-C", "C/20", "-o", data, "--plot", figure)
    return _json("simulate", *arguments), data, figure


def test_simulate_prints_the_fields_of_the_contract(cycle_files):
    result, _, _ = cycle_files
    assert result["cell"] == "Ji2024"
    assert result["temperature_C"] == 60
    assert result["capacity_basis"] == "sulfur"
    assert result["voltage_reference"] == "Na15Sn4/Na+"
    assert isinstance(result["warnings"], list)
    assert [s["direction"] for s in result["steps"]] == ["discharge", "charge"]
    for step in result["steps"]:
        assert step["cycle"] == 1
        assert step["preparatory"] is False
        assert step["stop_reason"].endswith("voltage cut-off")
        assert {"voltage_V", "height_mAh_g_V"} <= set(step["dqdv_peaks"][0])
        assert sum(step["final_phase_fraction"].values()) == pytest.approx(1)
        assert set(step["max_phase_fraction"]) == {"S", "Na2S5", "Na2S4", "Na2S2", "Na2S"}
    first, second = (s["capacity_mAh_g"] for s in result["steps"])
    assert result["coulombic_efficiency"] == [pytest.approx(second / first)]
    assert set(result["balances"]) == {"sulfur", "sodium"}
    assert max(result["balances"].values()) <= 1e-6


def test_mean_voltage_and_energy_stand_on_their_references(cycle_files):
    """E = (V + 0.1 V) Q, per cathode mass (0.35 of it sulfur); V against the anode."""
    result, _, _ = cycle_files
    for step in result["steps"]:
        expected = (step["mean_voltage_V"] + 0.1) * step["capacity_mAh_g"] * 0.35
        assert step["energy_Wh_kg"] == pytest.approx(expected, rel=1e-6)


def test_simulate_writes_the_data_and_a_figure(cycle_files):
    result, data, figure = cycle_files
    saved = load_dataset(data)
    assert metadata(saved, "cell") == "Ji2024"
    assert saved["Voltage [V]"].attrs["units"] == "V"
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_mode_whose_state_is_missing_runs_it_first_and_says_so():
    steps = _json("simulate", "Ji2024", "-T", "60", "--mode", "charge")["steps"]
    assert [(s["direction"], s["preparatory"]) for s in steps] == [
        ("discharge", True),
        ("charge", False),
    ]


def test_a_setting_changes_the_result():
    plain = _json("simulate", "Ji2024", "-T", "60", "--mode", "discharge")
    other = _json(
        *("simulate", "Ji2024", "-T", "60", "--mode", "discharge"),
        *("--set", "Separator thickness [m]=5 mm", "--v-min", "0.9V"),
    )
    assert other["steps"][0]["mean_voltage_V"] != plain["steps"][0]["mean_voltage_V"]
    assert other["steps"][0]["capacity_mAh_g"] < plain["steps"][0]["capacity_mAh_g"]


def test_list_show_check_and_cite_know_every_cell():
    names = [row["name"] for row in _json("list")["cells"]]
    assert names == list(available())
    shown = _json("show", "Ji2024")["parameters"]
    assert {"name", "value", "unit", "kind", "source", "meaning"} <= set(shown[0])
    assert "complete and within bounds" in run_here("check", "Ji2024").stdout
    assert "10.1039/d4ee03160a" in run_here("cite", "Ji2024").stdout
    assert "Separator thickness [m]" in run_here("show", "Ji2024").stdout


def test_a_persons_own_cell_from_masses_and_diameters(tmp_path):
    """Area pi d^2/4, loading m/A, thickness m/(rho A): checked, and it runs."""
    file = tmp_path / "mine.toml"
    arguments = ("--from", "Ji2024", "--cathode-mass", "3mg", "--diameter", "10mm")
    made = _json("new", file, *arguments, "--separator-mass", "100mg")
    assert made["sizes"]["area_cm2"] == pytest.approx(0.785398, rel=1e-5)
    assert made["sizes"]["active_mg_cm2"] == pytest.approx(3.8197 * 0.35, rel=1e-4)
    assert made["sizes"]["separator_thickness_um"] == pytest.approx(636.62, rel=1e-4)
    assert run_here("check", file).returncode == 0
    run = _json("simulate", file, "-C", "0.1mA/cm2", "--mode", "discharge")
    assert run["cell"] == "mine"
    assert run["steps"][0]["capacity_mAh_g"] > 1000


def test_help_does_not_import_the_simulator():
    code = (
        "import sys\nfrom sscell.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "sys.exit(int('pybamm' in sys.modules or 'matplotlib' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


NONSENSE = {
    "a cell that is not there": (["simulate", "Ji2023"], "Did you mean 'Ji2024'"),
    "a temperature out of range": (["simulate", "Ji2024", "-T", "5000"], "5000 degC"),
    "a temperature of which the set knows too little": (
        ["simulate", "Ji2024", "--temperature", "-30"],
        "allowed: 0 to 115 degC, or any with its 90 % band",
    ),
    "no temperature": (["simulate", "Ji2024", "-T", "potato"], "'potato'"),
    "no current": (["simulate", "Ji2024", "-C", "potato"], "'potato'"),
    "a negative current": (["simulate", "Ji2024", "-C=-C/20"], "not a current"),
    "a pull": (["simulate", "Ji2024", "--pressure=-5MPa"], "0 to 1000 MPa"),
    "no pressure": (["simulate", "Ji2024", "--pressure", "50 K"], "'50 K'"),
    "a missing folder": (["simulate", "Ji2024", "-o", "nowhere/run.nc"], "nowhere"),
    "a missing folder for a figure": (["simulate", "Ji2024", "--plot", "no/a.png"], "no"),
    "an unknown ending": (["simulate", "Ji2024", "-o", "run.xls"], ".nc"),
    "an unknown mode": (["simulate", "Ji2024", "--mode", "dischrge"], "'discharge'"),
    "an unknown parameter": (
        ["simulate", "Ji2024", "--set", "Separator thicknes [m]=1"],
        "'Separator thickness [m]'",
    ),
    "a value out of bounds": (
        ["simulate", "Ji2024", "--set", "Separator thickness [m]=-1e-3"],
        "allowed",
    ),
    "a setting without a value": (["simulate", "Ji2024", "--set", "potato"], "NAME=value"),
    "a temperature said twice": (
        ["simulate", "Ji2024", "-T", "60", "--set", "Ambient temperature [K]=363.15"],
        "-T",
    ),
    "a cut-off said twice": (
        ["simulate", "Ji2024", "--v-min", "0.7", "--set", "Lower voltage cut-off [V]=1.5"],
        "--v-min",
    ),
    "a pressure said twice": (
        ["simulate", "Song2024", "--pressure", "20MPa"]
        + ["--set", "Applied stack pressure [Pa]=50MPa"],
        "--pressure",
    ),
    "a value said twice": (
        ["simulate", "Ji2024", "--set", "Contact resistance [Ohm]=1"]
        + ["--set", "Contact resistance [Ohm]=1000"],
        "twice",
    ),
    "a formation that does not take place": (
        ["simulate", "Song2024", "--formation-temperature", "60"],
        "pristine",
    ),
    "a comparison with what is no data": (
        ["simulate", "Ji2024", "--compare", __file__],
        "test_cli.py",
    ),
    "a choice without a comparison": (
        ["simulate", "Ji2024", "--compare-cycles", "2"],
        "--compare",
    ),
    "points of a spectrum at rest": (["eis", "Ji2024", "--points", "3"], "--along"),
    "a seed of no sample": (
        ["sweep", "Ji2024", "-T", "60", "--seed", "2"],
        "--points",
    ),
    "an unknown state": (["simulate", "Ji2024", "--state", "warm"], "'warm'"),
    "no cycles": (["simulate", "Ji2024", "--cycles", "0"], "at least 1"),
    "a hold without a cycle": (
        ["simulate", "Ji2024", "--mode", "charge", "--hold-until", "C/50"],
        "--mode cycle",
    ),
    "no file to compare with": (["simulate", "Ji2024", "--compare", "no.csv"], "no.csv"),
    "an unknown command": (["simulat", "Ji2024"], "simulat"),
    "an unknown option": (["simulate", "Ji2024", "--volts", "3"], "--volts"),
    "a missing cell": (["simulate"], "cell"),
    "a file that is not there": (["check", "no.toml"], "no.toml"),
    "a unit of another kind": (
        ["new", "x.toml", "--from", "Ji2024", "--cathode-mass", "3mm"],
        "3mm",
    ),
    "an area given twice": (
        ["new", "x.toml", "--from", "Ji2024", "--diameter", "1cm", "--area", "1cm2"],
        "not both",
    ),
}


@pytest.mark.parametrize("arguments, hint", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_one_sentence_and_code_2(arguments, hint, tmp_path):
    done = run_here(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_with_the_same_sentence_and_code(tmp_path):
    for arguments, hint in (NONSENSE["an unknown parameter"], NONSENSE["no temperature"]):
        done, here = (
            run_process(*arguments, cwd=tmp_path),
            run_here(*arguments, cwd=tmp_path),
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "", here.stderr)
        assert hint in done.stderr


def test_a_negative_thickness_in_a_file_is_one_sentence_and_code_2(tmp_path):
    text = available()["Ji2024"].read_text(encoding="utf-8")
    assert '"Separator thickness [m]" = { value = 0.0' in text
    file = tmp_path / "bad.toml"
    wrong = '"Separator thickness [m]" = { value = -0.0'
    file.write_text(text.replace('"Separator thickness [m]" = { value = 0.0', wrong))
    done = run_here("simulate", file)
    assert done.returncode == 2
    assert "'Separator thickness [m]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_simulation_is_code_1_and_keeps_what_it_had(tmp_path):
    """The solver is made to fail at the third half cycle: two are saved and printed."""
    code = (
        "import sys, pybamm\n"
        "from sscell.simulation import engine\n"
        "step, calls = engine.Engine.step, []\n"
        "def failing(self, *a):\n"
        "    calls.append(1)\n"
        "    if len(calls) > 2: raise pybamm.SolverError('corrector')\n"
        "    return step(self, *a)\n"
        "engine.Engine.step = failing\n"
        "from sscell.cli import main\n"
        "main(['simulate', 'Ji2024', '-T', '60', '--cycles', '2', '-o', 'part.nc', '--json'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "failed" in done.stderr and "Traceback" not in done.stderr
    assert len(json.loads(done.stdout)["steps"]) == 2
    assert load_dataset(tmp_path / "part.nc")["Step"].max() == 2


def test_simulate_takes_a_pressure_and_says_what_is_known_of_it():
    arguments = ("simulate", "Song2024", "-T", "60", "--mode", "charge", "--shells", "10")
    low, high = (_json(*arguments, "--pressure", p) for p in ("10MPa", "50"))
    assert (low["pressure_MPa"], high["pressure_MPa"]) == (10, 50)
    said = "10 MPa is outside the published 20 to 50 MPa."
    assert said in low["warnings"]
    assert not [w for w in high["warnings"] if "MPa" in w]
    ends = [result["steps"][0] for result in (low, high)]
    assert ends[0]["final_contact_fraction"] < ends[1]["final_contact_fraction"]
    assert ends[0]["capacity_mAh_g"] < ends[1]["capacity_mAh_g"]
    assert ends[1]["final_stack_pressure_MPa"] == pytest.approx(51.6, abs=0.3)
