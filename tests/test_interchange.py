"""What goes to other tools and comes from them, held against these tools themselves."""

from __future__ import annotations

import json
import math
from xml.etree import ElementTree

import numpy as np
import pybamm
import pytest
from commands import run_here

import sscell
from sscell import protocols
from sscell.analysis.summary import Summary
from sscell.cells.materials import load_material
from sscell.cells.model import SolidStateCell
from sscell.errors import DataError, ParameterError
from sscell.interchange import (
    cycler_protocol,
    linked_data,
    material_from_bpx,
    write_cycler_protocol,
)

unicycler = pytest.importorskip("aurora_unicycler")
bpx = pytest.importorskip("bpx")
COARSE = sscell.Resolution(shells=12)


# Protocols for cyclers -------------------------------------------------------------------


@pytest.fixture(scope="module")
def ji():
    return sscell.load("Ji2024")


def test_its_own_json_read_back_runs_in_pybamm_to_the_same_capacities(ji, tmp_path):
    test = protocols.cycle("C/10", rest="10 min")
    write_cycler_protocol(ji, test, tmp_path / "cycle.json")
    again = unicycler.CyclingProtocol.from_json(tmp_path / "cycle.json")
    experiment = pybamm.Experiment([tuple(again.to_pybamm_experiment())])
    theirs = sscell.simulate(ji, experiment, temperature=60, resolution=COARSE)
    ours = sscell.simulate(ji, test, temperature=60, resolution=COARSE)
    pairs = zip(sscell.summary(theirs)["steps"], sscell.summary(ours)["steps"], strict=True)
    for through_cycler, own in pairs:
        assert through_cycler["direction"] == own["direction"]
        assert through_cycler["capacity_mAh_g"] == pytest.approx(
            own["capacity_mAh_g"], rel=1e-4
        )


def _neware(path):
    """Type, mA, seconds and volts of each step of a Neware file."""
    kinds = {"1": "charge", "2": "discharge", "4": "rest", "5": "loop", "6": "end"}
    rows = []
    for step in ElementTree.parse(path).getroot().find("config/Step_Info"):
        found = {
            e.tag: float(e.attrib["Value"]) for e in step.iter() if "Value" in e.attrib
        }
        rows.append((kinds.get(step.attrib["Step_Type"], step.attrib["Step_Type"]), found))
    return rows


def test_neware_file_says_every_step_of_a_titration(ji, tmp_path):
    path = tmp_path / "gitt.xml"
    write_cycler_protocol(ji, protocols.gitt("C/20", "30 min", "1 h"), path)
    rows = _neware(path)
    assert [kind for kind, _ in rows] == ["rest", "discharge", "rest", "loop", "end"]
    pulse, loop = rows[1][1], rows[3][1]
    amperes = ji.current("C/20")
    assert pulse["Curr"] == pytest.approx(amperes * 1e3, rel=1e-4)
    assert pulse["Time"] == 1800e3  # ms
    assert pulse["Stop_Volt"] == pytest.approx(ji.window[0] * 1e4)
    held = ji.theoretical_capacity / (amperes * 0.5)
    assert (loop["Start_Step"], loop["Cycle_Count"]) == (2, math.ceil(held))


def _mps(text):
    """Columns of the one technique of a BioLogic file, by row."""
    lines = text.split("Modulo Bat\n", 1)[1].splitlines()
    return {line[:20].strip(): line[20:].split() for line in lines if line[:20].strip()}


def test_biologic_file_says_every_step_of_a_cycle_with_a_hold(tmp_path):
    cell = sscell.load("Song2024")
    path = tmp_path / "cycle.mps"
    test = protocols.cycle("C/10", 5, hold_until="C/50", hold_time="2 h")
    write_cycler_protocol(cell, test, path)
    rows = _mps(path.read_text(encoding="utf-8"))
    assert rows["ctrl_type"] == ["CC", "CV", "CC", "Loop"]
    milli = cell.current("C/10") * 1e3
    values = [float(v) for v in rows["ctrl1_val"]]
    scale = {"uA": 1e-3, "mA": 1.0}[rows["ctrl1_val_unit"][0]]
    assert [values[0] * scale, values[2] * scale] == pytest.approx(
        [milli, -milli], rel=1e-3
    )
    assert values[1] == pytest.approx(cell.window[1])
    assert rows["ctrl_repeat"][3] == "4"  # and the first one
    assert rows["lim1_comp"][:3:2] == [">", "<"]


def test_every_protocol_of_every_cell_is_written_or_its_step_is_named(tmp_path):
    made = {
        "gitt": protocols.gitt("0.1mA/cm2", direction="both"),
        "cycle": protocols.cycle("0.1mA/cm2", 3, rest="1 h", hold_until="20 uA"),
        "rate": protocols.rate_test(["0.1mA/cm2", "0.2mA/cm2"], 2),
        "step": protocols.potential_step("2 V", "1 h"),
        "eis": protocols.impedance(along="discharge", points=3, rate="0.1mA/cm2"),
    }
    for name in ("Ji2024", "Pan2023", "Song2024", "Liang2023", "Chang2024"):
        for kind, protocol in made.items():
            for ending in (".json", ".xml", ".mps"):
                path = tmp_path / f"{name}{kind}{ending}"
                if kind == "eis" and ending == ".xml":
                    with pytest.raises(ParameterError, match="impedance spectrum"):
                        write_cycler_protocol(name, protocol, path)
                else:
                    write_cycler_protocol(name, protocol, path, state="formed")
                    assert path.stat().st_size > 500


def test_amounts_of_charge_become_times(ji):
    step = cycler_protocol(ji, protocols.discharge("C/10", duration="2 h")).method[0]
    assert step.until_time_s == 7200
    along = protocols.impedance(along="discharge", points=3, rate="C/10")
    half = next(
        s for s in cycler_protocol(ji, along).method if s.step == "constant_current"
    )
    charge = -half.current_mA * half.until_time_s / 3.6e6  # A.h
    assert charge == pytest.approx(ji.theoretical_capacity / 2, rel=1e-6)


@pytest.mark.parametrize(
    "protocol, state, hint",
    [
        (
            protocols.at(60, protocols.discharge("C/10")),
            "pristine",
            "step 1, the discharge",
        ),
        (protocols.cv("1mV/s"), "pristine", "step 1, the sweep"),
        (protocols.hold("2 V", until_capacity="10 mAh/g"), "pristine", "ends by a charge"),
        (protocols.discharge("C/10"), "50%", "'50%'"),
    ],
    ids=["temperature", "sweep from rest", "charge of a hold", "state of charge"],
)
def test_what_a_cycler_cannot_be_told_is_a_sentence(protocol, state, hint):
    with pytest.raises(ParameterError, match=hint):
        cycler_protocol("Ji2024", protocol, state=state)


def test_command_writes_a_protocol_and_prints_its_steps(tmp_path):
    words = ("protocol", "rate", "Pan2023", "-o", tmp_path / "r.json", "--json")
    told = json.loads(run_here(*words).stdout)
    counts = [s["cycle_count"] for s in told["steps"] if s["step"] == "loop"]
    assert counts == sscell.published("Pan2023", "rate").options["cycles"]
    assert unicycler.CyclingProtocol.from_json(told["file"]).sample.name == "Pan2023"
    done = run_here("protocol", "cycle", "Ji2024", "-o", tmp_path / "r.txt")
    assert done.returncode == 2 and ".xml" in done.stderr


# Materials --------------------------------------------------------------------------------


def _electrode(**own):
    return {
        "Thickness [m]": 5e-5,
        "Porosity": 0.3,
        "Transport efficiency": 0.15,
        "Conductivity [S.m-1]": 1.0,
        "Surface area per unit volume [m-1]": 4e5,
        **own,
    }


DOCUMENT = {
    "Header": {
        "BPX": "1.0.0",
        "Title": "A pouch cell",
        "References": "A. Person, J. Test 1 (2020)",
        "Model": "DFN",
    },
    "Parameterisation": {
        "Cell": {
            "Electrode area [m2]": 0.0168,
            "External surface area [m2]": 0.04,
            "Volume [m3]": 1.3e-4,
            "Number of electrode pairs connected in parallel to make a cell": 1,
            "Lower voltage cut-off [V]": 2.7,
            "Upper voltage cut-off [V]": 4.2,
            "Nominal cell capacity [A.h]": 5,
            "Reference temperature [K]": 298.15,
        },
        "Electrolyte": {
            "Cation transference number": 0.26,
            "Diffusivity [m2.s-1]": 1e-10,
            "Conductivity [S.m-1]": 1.0,
        },
        "Negative electrode": _electrode(
            **{
                "Minimum stoichiometry": 0.005,
                "Maximum stoichiometry": 0.76,
                "Maximum concentration [mol.m-3]": 29730,
                "Particle radius [m]": 4e-6,
                "Diffusivity [m2.s-1]": "1e-14*(1+x)",
                "OCP [V]": {"x": [0, 0.1, 0.5, 1], "y": [1.0, 0.25, 0.12, 0.05]},
                "Reaction rate constant [mol.m-2.s-1]": 1e-6,
            }
        ),
        "Positive electrode": _electrode(
            **{
                "Minimum stoichiometry": 0.26,
                "Maximum stoichiometry": 0.9,
                "Maximum concentration [mol.m-3]": 51000,
                "Particle radius [m]": 4.6e-6,
                "Diffusivity [m2.s-1]": 3e-15,
                "OCP [V]": "4.4 - 0.9*x - 0.05*tanh(20*(x - 0.5))",
                "Reaction rate constant [mol.m-2.s-1]": 2e-6,
                "Reaction rate constant activation energy [J.mol-1]": 35000,
            }
        ),
        "Separator": {
            "Thickness [m]": 2e-5,
            "Porosity": 0.47,
            "Transport efficiency": 0.32,
        },
    },
}


@pytest.fixture
def bpx_file(tmp_path):
    path = tmp_path / "pouch.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return path


def test_card_from_bpx_has_the_potential_that_pybamm_reads_from_it(bpx_file, tmp_path):
    card = material_from_bpx(bpx_file, tmp_path / "mine.toml", density="4.75 g/cm3")
    theirs = pybamm.ParameterValues.create_from_bpx(str(bpx_file))
    table = card.table()
    for filling, potential in list(zip(table["filling"], table["potential"], strict=True))[
        ::40
    ]:
        x = pybamm.Scalar(0.26 + filling * (0.9 - 0.26))
        ocp = theirs["Positive electrode OCP [V]"](x)
        assert potential == pytest.approx(float(theirs.evaluate(ocp)), abs=1e-5)
    capacity = 96485.33 * 51000 * 0.64 / 3600 / 4750
    assert card.number("Nominal capacity [mA.h.g-1]") == pytest.approx(capacity, rel=1e-5)
    assert "A. Person" in card["Particle radius [m]"].source
    assert card["Exchange-current density [A.m-2]"].kind == "derived"


def test_both_electrodes_make_a_cell_by_the_command_line(bpx_file, tmp_path):
    for electrode, density in (("positive", "4.75g/cm3"), ("negative", "2.2g/cm3")):
        words = ("materials", "--from-bpx", bpx_file, "--electrode", electrode)
        done = run_here(
            *words, "--density", density, "-o", f"{electrode}.toml", "--json", cwd=tmp_path
        )
        values = json.loads(done.stdout)["materials"][0]["values"]
        assert all(v["kind"] and v["source"] for v in values.values())
    words = "new full.toml --cathode positive.toml:70 --catholyte Li6PS5Cl:27 --carbon 3 "
    words += "--cathode-mass 12mg --separator Li6PS5Cl:100mg --anode negative.toml:15mg "
    assert run_here(*words.split(), "--diameter", "10mm", cwd=tmp_path).returncode == 0
    assert load_material(tmp_path / "negative.toml").serves == ("active", "anode")
    run = sscell.simulate(
        str(tmp_path / "full.toml"), sscell.charge("C/5"), resolution=COARSE
    )
    assert sscell.summary(run)["steps"][-1]["capacity_mAh_g"] > 100


@pytest.mark.parametrize(
    "words, hint",
    [
        (("--electrode", "positiv"), "Did you mean 'positive'"),
        (("--density", "2 m"), "density"),
        (("--blend", "silicon"), "no blend"),
    ],
    ids=["electrode", "density", "blend"],
)
def test_wrong_words_about_bpx_are_a_sentence(bpx_file, tmp_path, words, hint):
    done = run_here("materials", "--from-bpx", bpx_file, *words, "-o", tmp_path / "a.toml")
    assert done.returncode == 2
    assert hint in done.stderr


def test_a_file_that_is_no_bpx_is_a_sentence(tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"Header": 1}', encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.json"):
        material_from_bpx(other, tmp_path / "a.toml")


# In a notebook -----------------------------------------------------------------------------


def _columns(html):
    """Cells of the first table of a page, by column."""
    table = ElementTree.fromstring(f"<div>{html}</div>").find("table")
    names = [cell.text for cell in table.iterfind("thead/tr/th")]
    rows = [[cell.text for cell in row] for row in table.iterfind("tbody/tr")]
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def test_a_notebook_shows_tables_of_results_and_parameters(ji):
    run = sscell.simulate(ji, sscell.discharge("C/5"), temperature=60, resolution=COARSE)
    summary = sscell.summary(run)
    shown = _columns(summary._repr_html_())["Capacity [mAh/g]"][0]
    assert float(shown) == pytest.approx(summary["steps"][0]["capacity_mAh_g"], rel=1e-5)
    assert set(_columns(ji._repr_html_())["Name"]) == set(ji.parameters.parameters)
    odd = Summary(cell="<b>x</b>", steps=[], warnings=["a < b"])
    assert "<b>x</b>" not in odd._repr_html_() and "a &lt; b" in odd._repr_html_()


# Claims and PyBaMM's own tools ------------------------------------------------------------


def test_linked_data_keeps_every_value_with_kind_and_source(ji):
    document = json.loads(json.dumps(linked_data(ji)))
    told = {v["name"]: v for v in document["variableMeasured"]}
    assert document["citation"] == "https://doi.org/10.1039/d4ee03160a"
    for name, entry in ji.parameters.parameters.items():
        assert told[name]["value"] == entry.value
        assert told[name]["sscell:kind"] == entry.kind
        assert told[name]["citation"] == entry.source
        assert told[name]["unitText"] == (entry.unit or "1")


@pytest.fixture(scope="module")
def solved():
    cell = sscell.load("Liang2023")
    model = SolidStateCell(cell, shells=12)
    values = model.default_parameter_values
    values["Current function [A]"] = cell.current("0.1C")
    simulation = pybamm.Simulation(model, parameter_values=values)
    simulation.solve([0, 3600])
    return simulation


def test_pybamms_voltage_components_stack_up_to_the_voltage(solved):
    figure, axes = pybamm.plot_voltage_components(solved.solution, show_plot=False)
    solution = solved.solution
    stacked = solution["Battery open-circuit voltage [V]"].entries.copy()
    for name in (
        "Battery particle concentration overpotential [V]",
        "X-averaged battery reaction overpotential [V]",
        "X-averaged battery concentration overpotential [V]",
        "X-averaged battery electrolyte ohmic losses [V]",
        "X-averaged battery solid phase ohmic losses [V]",
    ):
        stacked += solution[name].entries
    stacked -= solution["Contact overpotential [V]"].entries
    np.testing.assert_allclose(stacked, solution["Terminal voltage [V]"].entries, atol=1e-9)
    assert len(axes.collections) >= 6
    assert figure is not None


def test_pybamms_plot_works_and_its_lithium_ion_states_are_a_sentence(solved):
    pybamm.QuickPlot(solved.solution).plot(0.0)
    with pytest.raises(ParameterError, match="state='50%'"):
        solved.solve([0, 10], initial_soc=0.5)


def test_pyprobe_reads_a_solution():
    pyprobe = pytest.importorskip("pyprobe", reason="PyProBE: pip install sscell[probe]")
    model = SolidStateCell("Liang2023", shells=12)
    test = pybamm.Experiment(["Discharge at C/10 for 1 hour", "Rest for 10 minutes"])
    simulation = pybamm.Simulation(
        model, parameter_values=model.default_parameter_values, experiment=test
    )
    solution = simulation.solve()
    cell = pyprobe.Cell(info={})
    cell.import_pybamm_solution(
        procedure_name="run", pybamm_solutions=solution, experiment_names="test"
    )
    voltage = cell.procedure["run"].get("Voltage [V]")
    assert voltage[-1] == pytest.approx(solution["Voltage [V]"].entries[-1])
