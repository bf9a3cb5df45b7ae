"""Every cathode keeps its contract, wherever it lives; one that does not is named."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pybamm
import pytest
import tomlkit

import sscell
from sscell.cells.cell import Cell
from sscell.cells.library import find
from sscell.cells.model import SolidStateCell
from sscell.cells.parameters import ParameterSet
from sscell.dataset import metadata
from sscell.errors import ParameterError
from sscell.physics.cathodes import host as contract
from sscell.physics.cathodes.host import CATHODES, GIVES, Host, gives
from sscell.physics.quantities.anodes import ANODES
from sscell.physics.quantity import Quantity
from sscell.testing import CASES, check_cathode
from sscell.units import FARADAY, GAS_CONSTANT

RECIPE = Path(sscell.__file__).parents[1] / "CONTRIBUTING.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.M | re.S)


# Slow mechanisms meet these options in the cases of all together.
_COVERED = ("double layer", "wear", "contact")


def _cases():
    for cathode in CATHODES.lines:
        for case in CASES:
            slow = cathode != "insertion" and case in _COVERED
            marks = [pytest.mark.slow] if slow else []
            yield pytest.param(cathode, case, marks=marks, id=f"{cathode}-{case}")


@pytest.mark.parametrize(("cathode", "case"), _cases())
def test_every_line_of_the_menu_works_with_every_option(cathode, case):
    check_cathode(cathode, cases=[case])


def test_the_menu_of_cathodes_has_only_lines_that_load():
    for name in CATHODES.names():
        assert Host in CATHODES.choose(name).host_type.__mro__


def test_what_the_menus_say_without_equations_is_what_their_parts_say():
    for name in CATHODES.lines:
        assert CATHODES.host(name) is CATHODES.choose(name).host_type
    assert ANODES.host("insertion") is ANODES.choose("insertion").host_type
    assert ANODES.host("plateau") is None
    assert ANODES.quantities("plateau") == ANODES.choose("plateau").quantities()


# The recipe of CONTRIBUTING, followed to the letter --------------------------------------


def _blocks():
    return BLOCK.findall(RECIPE.read_text(encoding="utf-8"))


def _modules():
    """Files of the mechanism in the recipe, by name."""
    return {title: text for _, title, text in _blocks() if title}


def _line():
    """The line in the menu: its name and where it leads."""
    (line,) = (t for _, _, t in _blocks() if t.startswith('"nernst":'))
    return re.fullmatch(r'"(\w+)": "([^"]+)",\n', line).groups()


def _tables():
    """A set that uses it: Liang2023 with one site in place of its own."""
    tables = tomllib.loads(find("Liang2023")[0].read_text(encoding="utf-8"))
    own = ("Upper step", "Lower step", "Positive particle diffusivity", "Guest molar")
    own += ("Initial positive", "Inactive")
    kept = {n: e for n, e in tables["parameters"].items() if not n.startswith(own)}
    tables = {k: v for k, v in tables.items() if k not in ("variants", "protocols")}
    tables |= {"name": "Nernst", "network": {"host": "vanadium", "guest": "lithium"}}
    tables["physics"]["cathode"] = "nernst"
    told = {"kind": "assumed", "source": "test"}
    for name, value in (("Site potential [V]", 3.4), ("Initial filling", 0.02)):
        kept[name] = {"value": value, "range": [value, value], **told}
    return tables | {"parameters": kept}


def _forget():
    CATHODES._chosen.pop("nernst", None)
    for name in [n for n in sys.modules if "nernst" in n]:
        del sys.modules[name]


@pytest.fixture
def in_the_repository(tmp_path, monkeypatch):
    """Two files beside the others, and one line in the menu."""
    package = importlib.import_module("sscell.physics.cathodes")
    for title, text in _modules().items():
        (tmp_path / title).write_text(text, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    name, where = _line()
    monkeypatch.setitem(CATHODES.lines, name, where)
    yield Cell(ParameterSet.from_table(_tables()))
    _forget()


def _install(folder, changes=(), entry=None):
    """Files of a package of its own, as an installer leaves them."""
    code, about = folder / "sscell_nernst", folder / "sscell_nernst-1.0.dist-info"
    for path in (code, about):
        path.mkdir(parents=True, exist_ok=True)
    (code / "__init__.py").write_text("")
    for title, text in _modules().items():
        text = text.replace(
            "sscell.physics.cathodes.nernst import", "sscell_nernst.nernst import"
        )
        for old, new in changes:
            text = text.replace(old, new)
        (code / title).write_text(text, encoding="utf-8")
    (toml,) = (t for kind, _, t in _blocks() if kind == "toml" and "sscell_cathodes" in t)
    (lines,) = tomllib.loads(toml)["project"]["entry-points"].values()
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sscell-nernst\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(
        "[sscell_cathodes]\n" + "".join(f"{k} = {entry or v}\n" for k, v in lines.items())
    )
    return folder


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """The mechanism in a package of its own, perhaps with faults; and a set that uses it."""

    def make(*changes, entry=None, tables=None):
        monkeypatch.syspath_prepend(str(_install(tmp_path / "site", changes, entry)))
        path = tmp_path / "mine.toml"
        path.write_text(tomlkit.dumps(tables or _tables()), encoding="utf-8")
        return path

    yield make
    _forget()


def test_the_recipe_names_two_files_and_a_line():
    assert set(_modules()) == {"nernst.py", "nernst_particle.py"}
    assert _line() == ("nernst", "sscell.physics.cathodes.nernst_particle:NernstParticle")


def test_a_mechanism_in_the_repository_is_two_files_and_a_line(in_the_repository):
    cell = in_the_repository
    assert cell.host.capacity == 1.0
    check_cathode(cell, cases=["lumped", "all with sizes"])


def test_a_mechanism_in_another_package_works_with_every_option(packaged):
    path = packaged()
    assert "nernst" in CATHODES.names()
    errors = check_cathode(path)
    assert set(errors) == set(CASES)
    assert max(e["balance"] for e in errors.values()) < 1e-7


def test_a_mechanism_in_another_package_runs_as_its_equation_says(packaged):
    """V = U - RT/F ln(x/(1-x)) - U_anode - losses, at x = x_0 + It/(nF) of what is reached."""
    cell = sscell.load(packaged())
    run = sscell.simulate(cell, sscell.discharge("C/20"), temperature=25)
    v = cell.values
    moles = cell.theoretical_capacity * 3600 / FARADAY
    x = (
        v["Initial filling"]
        + run["Discharge capacity [A.h]"].values * 3600 / FARADAY / moles
    )
    thermal = GAS_CONSTANT * 298.15 / FARADAY
    with np.errstate(invalid="ignore"):
        rest = v["Site potential [V]"] - thermal * np.log(x / (1 - x))
    others = [n for n in metadata(run, "budget") if not n.startswith("Open")]
    lost = sum(run[n].values for n in others)
    ending = thermal * np.log(1 + 1e-3 / run["Negative electrode inventory"].values)
    expected = rest - v["Negative electrode OCP [V]"] - ending + lost
    inside = x < 1 - 1e-4
    assert inside.sum() > 20
    assert run["Voltage [V]"].values[inside] == pytest.approx(expected[inside], abs=2e-5)


def test_what_is_cached_follows_the_code_of_another_package(packaged):
    """The same table with other code must not run what was built before."""
    first = sscell.load(packaged()).composition.sources
    _forget()
    assert sscell.load(packaged(("1.0", "2.0"))).composition.sources != first


# What does not keep the contract is named at the door ------------------------------------

MISSING = {
    "an answer of the host": (
        ("    @property\n    def grading", "    @property\n    def grating"),
        "does not say 'grading'",
    ),
    "a field of the host": (
        ("    guest: str\n\n    @classmethod", "    @classmethod"),
        "could not read its table: TypeError",
    ),
    "a key of the table": (
        ("if set(table)", "if table['hots'] and set(table)"),
        "could not read its table: KeyError 'hots'",
    ),
    "a capacity": (
        (
            'of host [-]."""\n        return 1.0',
            'of host [-]."""\n        return float("nan")',
        ),
        "'capacity' is nan; allowed: a number above 0",
    ),
    "a tuple of names": (
        ('return ("Average positive particle stoichiometry",)', 'return "Filling"'),
        "'outputs' is 'Filling', no tuple of names",
    ),
    "a hash": (
        ("@dataclass(frozen=True)", "@dataclass"),
        "must be hashable, such as a frozen dataclass",
    ),
    "bounds": (
        ("0, 0.95, 0.0)", "0, 0.95, 2.0)"),
        "default 2 for 'Inactive host fraction'",
    ),
    "one of each quantity": (
        ('"Initial filling", "of', '"Site potential [V]", "of'),
        "names the quantity 'Site potential [V]' 2 times",
    ),
    "a value it checks": (
        ('contradict each other."""', 'contradict."""\n        _ = values["Step [V]"]'),
        "could not check its values: KeyError 'Step [V]'",
    ),
    "its host type": (("    host_type = Nernst\n", ""), "has no 'host_type'"),
}


@pytest.mark.parametrize("what", MISSING)
def test_a_host_that_lacks_something_is_one_sentence(packaged, what):
    change, sentence = MISSING[what]
    with pytest.raises(ParameterError, match=re.escape(sentence)) as caught:
        sscell.load(packaged(change))
    assert "nernst" in str(caught.value)


@pytest.mark.parametrize("name", GIVES)
def test_a_particle_that_does_not_give_a_variable_is_one_sentence(packaged, name):
    path = packaged((f'"{name}":', f'"No {name}":'))
    with pytest.raises(ParameterError) as caught:
        SolidStateCell(path)
    assert f"'nernst' does not give '{name}'" in str(caught.value) or (
        f"uses '{name}', which there is not" in str(caught.value)
    )


def test_a_particle_that_uses_what_there_is_not_learns_the_nearest_name(packaged):
    path = packaged(
        ('variables["Active host remaining"]', 'variables["Active host remainig"]')
    )
    with pytest.raises(ParameterError, match="Did you mean 'Active host remaining'"):
        SolidStateCell(path)


def test_a_parameter_that_no_quantity_names_is_one_sentence(packaged):
    path = packaged(
        ('pybamm.Parameter("Site potential [V]")', 'pybamm.Parameter("Site [V]")')
    )
    with pytest.raises(ParameterError, match="use the parameter 'Site \\[V\\]'"):
        SolidStateCell(path)


FAULTS = {
    "half the guest": (("3 * uptake", "1.5 * uptake"), "lumped", "a balance is off"),
    "a potential too low": (
        (
            '"Particle open-circuit contribution [V]": pybamm',
            '"Particle open-circuit contribution [V]": -pybamm',
        ),
        "lumped",
        "the contributions miss the voltage",
    ),
    "more than its capacity": (
        (
            'of host [-]."""\n        return 1.0',
            'of host [-]."""\n        return 0.5',
        ),
        "lumped",
        "of the capacity passes",
    ),
    "one particle for all": (
        ("domain=places(self._distributed)", "domain=[]"),
        "thickness",
        "thickness",
    ),
    "no wear": (
        (' + variables["Guest trapped"]', ""),
        "wear",
        "does not use 'Guest trapped'",
    ),
    "what it may not use": (
        (
            'lost = variables["Total host loss rate [s-1]"]',
            'variables["Voltage [V]"]\n        lost = variables["Total host loss rate [s-1]"]',
        ),
        "lumped",
        "'Voltage [V]'",
    ),
    "no number": (
        ('"Guest taken up": taken,', '"Guest taken up": taken * float("nan"),'),
        "lumped",
        "is no number",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_check(packaged, fault):
    change, case, text = FAULTS[fault]
    with pytest.raises((AssertionError, ParameterError), match=re.escape(text)):
        check_cathode(packaged(change), cases=[case])


def test_an_entry_point_that_leads_nowhere_is_one_sentence(packaged):
    path = packaged(entry="sscell_nernst.particle:Nernst")
    with pytest.raises(
        ParameterError, match="'nernst' cannot be imported from 'sscell_nernst"
    ):
        sscell.load(path)


def test_two_packages_with_one_name_are_refused(packaged, tmp_path, monkeypatch):
    path = packaged()
    other = tmp_path / "other" / "sscell_other-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sscell-other\nVersion: 1.0\n"
    )
    (other / "entry_points.txt").write_text("[sscell_cathodes]\nnernst = other:Thing\n")
    monkeypatch.syspath_prepend(str(other.parent))
    with pytest.raises(ParameterError, match="Two packages give a cathode model 'nernst'"):
        sscell.load(path)


def test_an_unknown_cathode_gets_the_nearest_name(packaged):
    packaged()
    tables = _tables()
    tables["physics"]["cathode"] = "nerst"
    with pytest.raises(ParameterError, match="model 'nerst'. Did you mean 'nernst'"):
        Cell(ParameterSet.from_table(tables))


def test_a_host_without_the_defaults_is_told_where_they_are():
    class Bare:
        host, guest, capacity, grading = "a", "b", 1.0, 1.0
        phases = outputs = budget = ()

        @classmethod
        def from_table(cls, table):
            return cls()

        def quantities(self):
            return ()

        def check(self, values):
            pass

    with pytest.raises(ParameterError, match="'sscell.physics.cathodes.host.Host'"):
        contract.read_host("bare", Bare, {})


def test_a_line_without_a_published_set_is_refused(packaged):
    packaged()
    with pytest.raises(ParameterError, match="No published set uses the cathode 'nernst'"):
        check_cathode("nernst")


def test_an_unknown_case_gets_the_nearest_name():
    with pytest.raises(ParameterError, match="'double layer'"):
        check_cathode("Liang2023", cases=["double laier"])


def test_what_a_particle_gives_follows_from_its_host(ji):
    names = gives(ji.host)
    assert set(GIVES) <= set(names)
    assert {"Na2S fraction", "Na2S fraction profile", "R1 contribution [V]"} <= set(names)


# An anode is a line in a menu too -------------------------------------------------------


class FlatAnode(pybamm.BaseSubModel):
    """An anode without losses, for the test."""

    def __init__(self, double_layer):
        super().__init__(None, domain="negative", name="flat anode")

    @staticmethod
    def quantities():
        return (Quantity("Negative electrode OCP [V]", "against the metal", -0.5, 4.0),)

    def get_coupled_variables(self, variables):
        zero = pybamm.Scalar(0)
        return {
            "Negative electrode inventory": pybamm.Scalar(1),
            "Negative electrode open-circuit potential [V]": pybamm.Parameter(
                "Negative electrode OCP [V]"
            ),
            "Negative electrode reaction overpotential [V]": zero,
            "Negative electrode interphase overpotential [V]": zero,
            "Negative electrode thickness change [m]": zero,
        }


@pytest.fixture
def flat(monkeypatch):
    monkeypatch.setitem(ANODES.lines, "flat", f"{__name__}:FlatAnode")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[FlatAnode.__module__])
    tables = tomllib.loads(find("Liang2023")[0].read_text(encoding="utf-8"))
    tables["physics"]["anode"] = "flat"
    tables["parameters"] = {
        n: e
        for n, e in tables["parameters"].items()
        if not n.startswith(("Negative", "Initial neg"))
        or n == "Negative electrode OCP [V]"
    }
    yield lambda: Cell(
        ParameterSet.from_table({k: v for k, v in tables.items() if k != "variants"})
    )
    ANODES._chosen.pop("flat", None)


def test_an_anode_is_a_class_and_a_line(flat):
    run = sscell.simulate(flat(), sscell.cycle("C/10"))
    assert not run["Anode contribution [V]"].values.any()
    assert (
        run.attrs["stop_reasons"]
        == sscell.simulate("Liang2023", sscell.cycle("C/10")).attrs["stop_reasons"]
    )


def test_an_anode_that_does_not_give_a_variable_is_one_sentence(flat, monkeypatch):
    given = FlatAnode.get_coupled_variables

    def without(self, variables):
        own = given(self, variables)
        del own["Negative electrode inventory"]
        return own

    monkeypatch.setattr(FlatAnode, "get_coupled_variables", without)
    with pytest.raises(
        ParameterError, match="'flat' does not give 'Negative electrode inventory'"
    ):
        SolidStateCell(flat())


# The other recipes lead to places that there are ------------------------------------------


def test_every_place_that_the_recipes_name_is_there():
    """Files by path, and the tables in them that take a new line."""
    text = RECIPE.read_text(encoding="utf-8")
    places = re.findall(r"`((?:sscell|tests|parameter_sets)/[\w/.]+)`", text)
    paths = {p for p in places if not re.search(r"[Nn]ame|nernst", p)}
    assert len(paths) > 10
    root = RECIPE.parent
    assert not [p for p in paths if not (root / p).exists()]
    source = "\n".join(
        (root / p).read_text(encoding="utf-8") for p in paths if p.endswith(".py")
    )
    tables = set(re.findall(r"`(_?[A-Z][A-Z_]+)`", text))
    assert tables >= {"CATHODES", "ANODES", "FORMATS", "TAKES", "GIVES", "ANODE_GIVES"}
    assert not [name for name in tables if not re.search(rf"^{name}\b", source, re.M)]
