"""An integrated cathode: its laws, its limits and its balances."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.protocols import charge, cycle, discharge, rest, then
from sscell.protocols.steps import Step
from sscell.simulation.engine import Resolution, engine
from sscell.simulation.run import Run
from sscell.units import FARADAY, GAS_CONSTANT, parse_rate

THERMAL = GAS_CONSTANT * 298.15 / FARADAY
X, Y = "LiI mole fraction", "MoS2 mole fraction"
SIGMA = "X-averaged positive electrode effective {} conductivity [S.m-1]"
MOLAR = {"Li2S": 45.94, "LiI": 133.844, "MoS2": 160.07}  # g/mol
_TABLES = tomllib.loads(find("Pan2023")[0].read_text(encoding="utf-8"))


def assumed(value):
    return {"value": value, "kind": "assumed", "source": "test", "range": [value, value]}


def conducting(kind, **numbers):
    """Pan2023 with some electrolyte and carbon, so that both closures have a meaning."""
    tables = copy.deepcopy(_TABLES)
    tables.pop("variants", None)
    tables["physics"]["conduction"] = kind
    shares = {"active material": 0.8, "electrolyte": 0.1, "carbon": 0.1}
    numbers |= {f"Positive electrode {k} mass fraction": v for k, v in shares.items()}
    tables["parameters"] |= {n: assumed(v) for n, v in numbers.items()}
    if kind == "composite":
        own = ("LixMoS2 ionic", "LixMoS2 empty", "LixMoS2 electronic", "LiI domain ionic")
        own += ("LixMoS2 percolation coefficient (ions)", "Li2S ionic", "Li2S-LiI ionic")
        own += ("Positive electrode residual", "Positive electrode ionic")
        own += ("Positive electrode Bruggeman coefficient\0",)
        tables["parameters"] = {
            n: e for n, e in tables["parameters"].items() if not (n + "\0").startswith(own)
        }
    return Cell(ParameterSet.from_table(tables))


@pytest.fixture(scope="module")
def pan():
    return sscell.load("Pan2023")


@pytest.fixture(scope="module")
def cycles(pan):
    """Two cycles at 25 mA/g, so exact that a fraction of 1e-8 is no noise."""
    fine = Resolution(20, rtol=1e-6, atol=1e-8)
    return sscell.simulate(pan, cycle("25mA/g", cycles=2), resolution=fine)


def half(run, direction, number):
    rows = (run["Cycle"].values == number) & (
        (run["Current [A]"].values > 0) == (direction == "discharge")
    )
    return run.isel(time=rows & (run["Current [A]"].values != 0))


@pytest.mark.parametrize("points", [0, 6])
def test_constant_conductivities_return_the_composite_model(points):
    """sigma_i and sigma_e without a state: the same voltages as sigma eps^b."""
    composite = conducting(
        "composite",
        **{
            "Positive electrode electrolyte conductivity [S.m-1]": 0.05,
            "Positive electrode electrolyte conductivity activation energy [J.mol-1]": 0.0,
            "Positive electrode conductivity [S.m-1]": 0.2,
            "Positive electrode Bruggeman coefficient (electrolyte)": 1.5,
            "Positive electrode Bruggeman coefficient (electrode)": 1.5,
        },
    )
    mesh = Resolution(5, points)
    run = Run(composite, mesh)
    run.execute([Step("charge", parse_rate("100mA/g"), duration=7200.0)])
    found = run.dataset({}, "pristine")
    zero = dict.fromkeys(
        (
            "LiI domain ionic conductivity [S.m-1]",
            "LixMoS2 ionic conductivity [S.m-1]",
            "LixMoS2 electronic conductivity [S.m-1]",
        ),
        0.0,
    )
    tiny = dict.fromkeys(
        ("Li2S ionic conductivity [S.m-1]", "Li2S-LiI ionic conductivity [S.m-1]"), 1e-12
    )
    ion, electron = (float(found[SIGMA.format(k)][0]) for k in ("ionic", "electronic"))
    residual = "Positive electrode residual {} conductivity [S.m-1]"
    mixed = conducting(
        "mixed",
        **zero,
        **tiny,
        **{residual.format("ionic"): ion, residual.format("electronic"): electron},
    )
    y = np.asarray(run.solution.y)[:, -1:]
    y = y * np.random.default_rng(0).uniform(0.97, 1.03, y.shape)
    equations, outputs = [], []
    for cell in (composite, mixed):
        built = engine(cell, mesh)
        inputs = built.inputs(cell, -cell.current("100mA/g"))
        parts = (built.model.concatenated_rhs, built.model.concatenated_algebraic)
        equations.append([p.evaluate(0, y, inputs=inputs) for p in parts if p.size])
        outputs.append(built.evaluate(np.array([0.0]), y, inputs))
    for plain, state in zip(*equations, strict=True):
        assert np.allclose(plain, state, rtol=1e-9, atol=1e-9 * np.abs(plain).max())
    for name in metadata(found, "budget"):
        assert outputs[1][name] == pytest.approx(outputs[0][name], rel=1e-9, abs=1e-12)
    assert abs(float(outputs[0]["Cathode ion contribution [V]"][0])) > 1e-4


@pytest.mark.parametrize("points", [0, 5])
def test_charge_lithium_and_sulfur_balances_close(points):
    """With activation, LiI domains and what wears; the budget sums to the voltage."""
    run = sscell.simulate(
        "Pan2023",
        cycle("100mA/g", cycles=3),
        changes={"Active host fade per cycle": 0.05},
        resolution=Resolution(10, points, rtol=1e-7, atol=1e-9),
    )
    assert float(run["Active host remaining"][-1]) < 0.95
    for residual in ("Guest balance residual", "Host balance residual"):
        assert np.abs(run[residual].values).max() < 1e-7
    total = sum(run[n].values for n in metadata(run, "budget"))
    assert total == pytest.approx(run["Voltage [V]"].values, abs=1e-9)


def test_two_hosts_take_up_what_the_cell_delivers(pan, cycles):
    """d(lithium of sulfur) + d(lithium of MoS2) = Q/Q_full; the rest is in transit."""
    pieces = cycles["Sulfur lithium"].values + cycles["MoS2 lithium"].values
    passed = cycles["Discharge capacity [A.h]"].values / pan.theoretical_capacity
    start = cycles["Active host remaining"].values
    transit = 3.0 * pan.values["Mobile guest capacity [V-1]"]
    assert np.abs(start * (pieces - pieces[0]) - passed).max() < 2 * transit


@pytest.mark.parametrize(("name", "phi"), [("Sulfur", 2.185), ("MoS2", 1.03)])
def test_rates_vanish_where_a_host_rests_at_the_common_potential(
    pan, make_probe, name, phi
):
    """phi = U_k(y_k): nothing is taken up; above it lithium leaves. Li2S waits below U_S."""
    probe, v = make_probe(pan, 4), pan.values
    width = THERMAL * v[f"{name} width coefficient"]
    filling = 1 / (1 + np.exp((phi - v[f"{name} potential [V]"]) / width))
    rest = {
        "Positive particle guest potential [V]": phi,
        "Activated sulfur": 0.5,
        "Sulfur yet to activate": 0.3,
        "Sulfur lithium profile": 0.5 * filling,
        "MoS2 filling": filling,
        "Active host remaining": 1,
        "Contact left by cycling": 1,
    }
    higher = rest | {"Positive particle guest potential [V]": phi + 0.05}
    rate, driven = (
        float(probe.evaluate(f"{name} uptake [s-1]", states)[0])
        for states in (rest, higher)
    )
    assert abs(rate) < 1e-9 * abs(driven)
    assert driven < 0
    assert float(probe.evaluate("Activation rate [s-1]", rest)[0]) == 0


def test_activation_happens_once_and_only_on_charge(pan):
    """Of what the mill reached; what cycles open to is shut away here."""
    run = sscell.simulate(
        pan,
        cycle("25mA/g", cycles=2),
        changes={"Opened sulfur fraction": 0.0},
        resolution=Resolution(10, rtol=1e-6, atol=1e-8),
    )
    active = run["Activated sulfur fraction"].values
    assert np.all(np.diff(active) >= -1e-8)
    gained = {
        (way, n): np.ptp(half(run, way, n)["Activated sulfur fraction"].values)
        for way in ("charge", "discharge")
        for n in (1, 2)
    }
    reached = pan.values["Reached sulfur fraction"]
    milled = pan.values["Initial active sulfur fraction"]
    assert gained["charge", 1] == pytest.approx(reached - milled, rel=0.01)
    assert all(gained[half] < 0.01 * reached for half in gained if half != ("charge", 1))
    assert gained["discharge", 1] < 1e-4 and gained["discharge", 2] < 1e-4


def test_opened_sulfur_is_active_at_once_with_its_lithium(pan, make_probe):
    """dc/dN = -c/N_c goes whole to the active share, full; none of it waits for a barrier."""
    states = {
        "Positive particle guest potential [V]": 1.5,
        "Activated sulfur": 0.5,
        "Sulfur yet to activate": 0.3,
        "Sulfur yet to reach": 0.1,
        "Sulfur lithium profile": 0.4,
        "MoS2 filling": 0.5,
        "Active host remaining": 1,
        "Contact left by cycling": 1,
    }
    probe = make_probe(pan, 4)
    opened = float(probe.evaluate("Opening rate [s-1]", states)[0])
    cycled = float(probe.evaluate("Full cycles rate [s-1]", states)[0])
    assert opened == pytest.approx(0.1 * cycled / pan.values["Sulfur opening cycles"])
    assert float(probe.evaluate("Activation rate [s-1]", states)[0]) == 0
    run = sscell.simulate(
        pan,
        cycle("25mA/g", cycles=4),
        changes={"Sulfur opening cycles": 0.5},
        resolution=Resolution(6, rtol=1e-6, atol=1e-8),
    )
    every = pan.values["Reached sulfur fraction"] + pan.values["Opened sulfur fraction"]
    assert float(run["Activated sulfur fraction"][-1]) == pytest.approx(every, abs=1e-3)
    assert np.abs(run["Guest balance residual"].values).max() < 1e-6


def test_later_charges_meet_no_second_barrier(cycles):
    """The second charge stays on its plateau, below 1.7 V against Li-In, to 98 %."""
    part = half(cycles, "charge", 2)
    passed = np.abs(part["Discharge capacity [A.h]"].values)
    passed = np.abs(passed - passed[0])
    late = np.interp(0.98 * passed[-1], passed, part["Voltage [V]"].values)
    assert 1.6 < late < 1.7


@pytest.mark.parametrize("milled", [0.2, 0.9])
def test_first_discharge_exceeds_the_charge_by_the_room_of_molybdenum(pan, milled):
    """What the mill moved to MoS2 came from sulfur that takes it up again: n_e, whatever."""
    run = sscell.simulate(
        pan,
        cycle("25mA/g"),
        changes={"Initial MoS2 lithium fraction": milled, "Opened sulfur fraction": 0.0},
        resolution=Resolution(10),
    )
    gain = float(run["Discharge capacity [A.h]"][-1]) / pan.basis("capacity")[1]
    x, y = pan.values[X], pan.values[Y]
    moles = {"Li2S": (1 - y) * (1 - x), "LiI": (1 - y) * x, "MoS2": y}
    gram = sum(n * MOLAR[k] for k, n in moles.items())
    room = y * pan.values["MoS2 lithium limit"] * FARADAY / 3.6 / gram  # 123.7 mA h/g
    assert gain == pytest.approx(room, abs=1.5)


def delivered(cell, changes):
    """Second discharge at 50 mA/g [A h]."""
    run = sscell.simulate(
        cell, cycle("50mA/g", cycles=2), changes=changes, resolution=Resolution(8)
    )
    return np.ptp(half(run, "discharge", 2)["Discharge capacity [A.h]"].values)


def test_diffusion_follows_the_network_by_its_power(pan):
    """D (p/p0)^t: the reference share moved to the composition's own, D with it."""
    v = pan.values
    y, x = 0.12, v[X]
    volume = {k: v[f"{k} molar volume [m3.mol-1]"] for k in MOLAR}
    rest = (1 - y) * ((1 - x) * volume["Li2S"] + x * volume["LiI"])
    share = y * volume["MoS2"] / (y * volume["MoS2"] + rest)
    name, reference = (
        "Positive particle diffusivity [m2.s-1]",
        "Reference MoS2 volume fraction",
    )
    critical = v["LixMoS2 percolation limit"]
    power = v["LixMoS2 percolation coefficient (electrons)"]
    slower = ((share - critical) / (v[reference] - critical)) ** power
    assert 0.3 < slower < 0.7
    moved = delivered(pan, {Y: y, reference: share, name: v[name] * slower})
    assert delivered(pan, {Y: y}) == pytest.approx(moved, rel=1e-5)
    assert delivered(pan, {Y: y, reference: share}) > 1.02 * moved


def test_diffusion_follows_the_dissolved_iodide_by_the_ratio(pan):
    """D r^(s-1), s = 4x/(1-x) up to one: nothing at the limit, 1/r without LiI."""
    name, ratio = "Positive particle diffusivity [m2.s-1]", "Li2S-LiI diffusivity ratio"
    x = 0.12
    slower = pan.values[ratio] ** (4 * x / (1 - x) - 1)
    plain = delivered(pan, {X: x, ratio: 1.0, name: pan.values[name] * slower})
    assert delivered(pan, {X: x}) == pytest.approx(plain, rel=1e-5)
    assert delivered(pan, {X: 0.25}) == delivered(pan, {X: 0.25, ratio: 10.0})


def test_first_charge_is_the_most_polarised(cycles):
    """The barrier of Li2S as milled: above 2.5 V against lithium, then near 2.2 V."""
    middle = []
    for number in (1, 2):
        part = half(cycles, "charge", number)
        passed = part["Discharge capacity [A.h]"].values
        halfway = (passed[0] + passed[-1]) / 2
        middle.append(np.interp(-halfway, -passed, part["Voltage [V]"]) + 0.62)
    assert middle[0] > 2.5
    assert middle[1] < middle[0] - 0.2


def test_molybdenum_is_oxidised_first_and_reduced_last(cycles):
    for direction, early in (("charge", "MoS2 lithium"), ("discharge", "Sulfur lithium")):
        part = half(cycles, direction, 2)
        own = {n: part[n].values for n in ("MoS2 lithium", "Sulfur lithium")}
        tenth = len(own[early]) and np.searchsorted(
            np.abs(part["Discharge capacity [A.h]"] - part["Discharge capacity [A.h]"][0]),
            0.3e-3,
        )
        moved = {n: abs(v[tenth] - v[0]) for n, v in own.items()}
        assert moved[early] > 0.8 * sum(moved.values()), direction


def test_lithium_iodide_grows_on_charge_and_stays_in_part(cycles):
    """None as milled; grows on charge, shrinks on discharge, does not vanish."""
    levels = [0.0]
    for number in (1, 2):
        for direction in ("charge", "discharge"):
            part = half(cycles, direction, number)["LiI domain fraction"].values
            assert part[0] == pytest.approx(levels[-1], abs=0.01)
            levels.append(part[-1])
    assert levels[1] > 0.5 and levels[1] > levels[2] > 0.05
    assert levels[3] > levels[4] > 0.05


def test_ions_follow_state_and_electrons_do_not(cycles):
    """LixMoS2 gives up its ions on charge; its electrons stay (text)."""
    part = half(cycles, "charge", 2)
    ions = part[SIGMA.format("ionic")].values
    assert ions[0] > 3 * ions.min()
    assert np.ptp(part[SIGMA.format("electronic")].values) < 1e-12


def test_lithium_iodide_above_its_limit_stands_apart_from_the_start(pan):
    """x = 0.25: of 1/3 LiI per Li2S, 1/4 is dissolved."""
    run = sscell.simulate(
        pan, charge("25mA/g", duration="1 min"), changes={X: 0.25}, resolution=Resolution(5)
    )
    assert float(run["LiI domain fraction"][0]) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("y", "published"), [(0.0, (0.5786, 0.4214, 0.0)), (0.15, (0.4005, 0.2917, 0.3078))]
)
def test_composition_gives_the_mass_fractions_and_capacity_of_the_paper(pan, y, published):
    """q = sum of w: 1167 mAh/g of Li2S, 670 n/4 of MoS2."""
    cell = pan.replace({Y: y})
    x, n = 0.2, cell.values["MoS2 lithium limit"]
    moles = {"Li2S": (1 - y) * (1 - x), "LiI": (1 - y) * x, "MoS2": y}
    mass = {k: m * MOLAR[k] for k, m in moles.items()}
    shares = [mass[k] / sum(mass.values()) for k in MOLAR]
    assert shares == pytest.approx(published, abs=2e-4)
    full = cell.theoretical_capacity / cell.basis("capacity")[1]
    assert full == pytest.approx(shares[0] * 1167 + shares[2] * 670 * n / 4, rel=2e-3)


def test_reading_a_composition_again_gives_its_derived_values(pan):
    assert pan.replace({Y: 0.05}).replace({Y: 0.15}).values == pan.values
    assert pan.cathode_thickness == pytest.approx(30e-6, rel=0.01)


def test_lumped_and_distributed_agree_where_conduction_is_good(pan):
    """30 um of a good mixed conductor: one place stands for all."""
    ends = []
    for points in (0, 6):
        run = sscell.simulate(
            pan,
            then(charge("100mA/g"), discharge("100mA/g")),
            resolution=Resolution(12, points),
        )
        ends.append(run["Discharge capacity [A.h]"].values[[-1]])
    assert ends[1] == pytest.approx(ends[0], rel=2e-3)


def test_thickness_mesh_converges_with_second_order():
    """V_h - V = C h^2 in a cathode of 150 um, while LiI and MoS2 change its conduction."""
    voltages = []
    cell = sscell.load("Pan2023").replace({"Positive electrode mass [kg]": 2e-5})
    step = Step("charge", parse_rate("10mA/g"), duration=10 * 3600.0)
    for points in (5, 10, 20):
        mesh = Resolution(4, points, rtol=1e-7, atol=1e-9)
        run = Run(cell, mesh)
        run.execute([step])
        voltages.append(run.voltage())
    differences = np.abs(np.diff(voltages))
    orders = np.log2(differences[:-1] / differences[1:])
    assert differences[0] > 1e-4
    assert orders == pytest.approx(2.0, abs=0.35)


def test_shells_converge(pan):
    """The tenth discharge moves by less than 1 % from 15 to 60 shells."""
    last = []
    for shells in (15, 60):
        run = sscell.simulate(
            pan, cycle("100mA/g", cycles=2), resolution=Resolution(shells)
        )
        q = half(run, "discharge", 2)["Discharge capacity [A.h]"].values
        last.append(q[-1] - q[0])
    assert last[0] == pytest.approx(last[1], rel=0.01)


BAD = [
    ({"Reached sulfur fraction": 0.95, "Opened sulfur fraction": 0.1}, "add up to 1.05"),
    ({"Initial active sulfur fraction": 0.9}, "not below the share reached at first"),
    (
        {"Reference MoS2 volume fraction": 0.03},
        "'Reference MoS2 volume fraction' is 0.03, not above 'LixMoS2 percolation limit'",
    ),
    (
        {Y: 0.5, "Initial MoS2 lithium fraction": 0.9},
        "of the lithium of the Li2S that the mill reached; allowed: 90 %",
    ),
    ({X: 0.7}, "'LiI mole fraction' is 0.7; allowed: 0 to 0.5"),
    ({"Positive electrode active material density [kg.m-3]": 2e3}, "follows from the comp"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_bad_values_are_one_sentence(pan, changes, sentence):
    with pytest.raises(ParameterError) as caught:
        pan.replace(changes)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_conduction_is_one_sentence():
    tables = copy.deepcopy(_TABLES)
    tables["physics"]["conduction"] = "mixd"
    with pytest.raises(ParameterError, match="There is no conduction 'mixd'. Did you mean"):
        Cell(ParameterSet.from_table(tables))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"host": None}, "have no 'host'"), ({"gest": "Li"}, "unknown key 'gest'")],
)
def test_a_bad_table_of_hosts_is_one_sentence(change, sentence):
    tables = copy.deepcopy(_TABLES)
    tables["network"] = {
        k: v for k, v in (tables["network"] | change).items() if v is not None
    }
    with pytest.raises(ParameterError, match=sentence):
        Cell(ParameterSet.from_table(tables))


def test_no_iodide_stands_apart_before_the_first_charge():
    """x = 0.2 is all dissolved by the mill, and stays so at rest (text: no contrast)."""
    run = sscell.simulate("Pan2023", rest("10 h"), resolution=Resolution(5))
    assert np.abs(run["LiI domain fraction"].values).max() < 1e-6
