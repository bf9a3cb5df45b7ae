"""Checks for cathodes, of this package or another: whether a mechanism keeps its contract.

A mechanism that passes `check_cathode` works with every option that a cell may have: over
the thickness, with particle sizes, double layers, wear, contact under pressure and a
catholyte that reacts, each alone and all together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.cells.library import available
from sscell.cells.model import SolidStateCell
from sscell.cells.parameters import GENERAL, Parameter
from sscell.dataset import metadata
from sscell.errors import ParameterError, did_you_mean
from sscell.physics.cathodes.host import CATHODES, Host, takes
from sscell.protocols import cycle, gitt, impedance, then
from sscell.simulation.engine import Resolution
from sscell.simulation.results import BALANCES
from sscell.simulation.simulation import simulate

__all__ = ["CASES", "Case", "check_cathode", "with_options"]

# Largest error of a balance, per all host or its capacity [-], and of the voltage's parts [V].
BALANCE, BUDGET = 1e-6, 1e-6
SLACK = 0.02  # charge of double layers, per capacity
SHELLS, POINTS, SIZES = 4, 3, 3
FREQUENCIES = (1e4, 1.0, 1e-3)
_ALL = {"degradation": True, "contact": True, "electrolyte_redox": True}


@dataclass(frozen=True)
class Case:
    """A cell with some options, and how it is resolved.

    Parameters
    ----------
    physics : mapping
        Entries of `[physics]`, beside anode, separator, cathode and conduction.
    mesh : mapping
        Of `Resolution`, beside the shells.
    """

    physics: Mapping[str, Any] = field(default_factory=dict)
    mesh: Mapping[str, Any] = field(default_factory=dict)


_OVER = {"thickness_points": POINTS}
# Every option alone, then all together: sizes and thickness exclude each other.
CASES = {
    "lumped": Case(),
    "thickness": Case(mesh=_OVER),
    "sizes": Case({"particle_sizes": SIZES}),
    "double layer": Case(mesh={"double_layer": True}),
    "wear": Case({"degradation": True}),
    "contact": Case({"contact": True}),
    "redox": Case({"electrolyte_redox": True}),
    "all over the thickness": Case(_ALL, _OVER | {"double_layer": True}),
    "all with sizes": Case(_ALL | {"particle_sizes": SIZES}),
}

# What an option is checked with where the set is silent: large enough to be seen.
_TRIAL = {
    "Positive particle radius spread": 0.4,
    "Active host fade per cycle": 0.1,
    "Trappable host fraction": 0.05,
    "Active host loss rate [s-1]": 1e-8,
    "Positive electrode interphase growth per cycle [Ohm.m2]": 1e-4,
    "Positive electrode interphase growth rate constant [Ohm2.m4.s-1]": 1e-14,
    "Series resistance of lost contact [Ohm.m2]": 1e-3,
    "Boundary resistance of lost contact [Ohm.m2]": 1e-3,
    "Contact fade per cycle": 0.1,
    "Minimum contacted surface fraction": 0.1,
    "Applied stack pressure [Pa]": 5e7,
    "Jig stiffness [Pa.m-1]": 1e12,
    "Initial contact fraction": 0.8,
    "Contact unloading exponent": 0.1,
    "Re-contact rate [s-1]": 1e-6,
    "Re-contact pressure exponent": 0.5,
    "Contact loss by strain": 1.0,
    "Contact loss by cycling": 0.1,
    "Electrolyte oxidation capacity [A.h.kg-1]": 50.0,
    "Electrolyte oxidation current density [A.m-2]": 1e-6,
    "Electrolyte oxidation transfer coefficient": 0.5,
    "Electrolyte oxidation activation energy [J.mol-1]": 3e4,
    "Electrolyte oxidation interphase resistance [Ohm.m2]": 1e-3,
}
_NEUTRAL = "neutral default"


def check_cathode(
    cell: str | Path | Cell | Host, cases: Collection[str] | None = None
) -> dict[str, dict[str, float]]:
    """Build a cathode with every option and see that it keeps its contract.

    Each case runs a cycle, a titration and a spectrum on a coarse mesh. Balances of host
    and guest close, contributions sum to the voltage, everything is finite, charge that
    passes does not exceed the capacity and the impedance is that of a passive cell.

    Parameters
    ----------
    cell : str, pathlib.Path, Cell or Host
        A set that uses the cathode: a name, a TOML file or a loaded cell. Also a line of
        the menu or a host, if a published set uses it.
    cases : collection of str, optional
        Of `CASES`; default: all.

    Returns
    -------
    dict of str to dict of str to float
        By case: the largest error of balances [-] and of the budget [V].

    Raises
    ------
    AssertionError
        If a case fails; names every failure of every case.
    ParameterError
        If there is no such cell or case.

    Examples
    --------
    >>> found = check_cathode("Liang2023", cases=["lumped"])
    >>> found["lumped"]["balance"] < 1e-9
    True
    """
    base = _cell(cell)
    for name in cases or ():
        if name not in CASES:
            raise ParameterError(f"There is no case '{name}'. {did_you_mean(name, CASES)}")
    failures, errors = [f"contract: {text}" for text in _broken_rules(base)], {}
    for name in CASES if cases is None else cases:
        found: dict[str, float] = {}
        failures += [f"{name}: {text}" for text in _run_case(base, CASES[name], found)]
        errors[name] = found
    if failures:
        cathode = base.composition.cathode
        raise AssertionError(f"The cathode '{cathode}' fails:\n" + "\n".join(failures))
    return errors


def _cell(cell: str | Path | Cell | Host) -> Cell:
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, str | Path):
        if str(cell) not in CATHODES.names():
            return Cell.load(cell)
        found = [c for c in _published() if c.composition.cathode == str(cell)]
    else:
        found = [c for c in _published() if c.host == cell]
    if not found:
        raise ParameterError(
            f"No published set uses the cathode {cell!r}; give a set that does."
        )
    return found[0]


def _published() -> Iterator[Cell]:
    for name in available():
        yield Cell.load(name)


def with_options(cell: Cell, physics: Mapping[str, Any]) -> Cell:
    """Copy of a cell with exactly these options, its own values where it states them.

    Parameters
    ----------
    cell : Cell
        With any options.
    physics : mapping
        Entries of `[physics]`, beside anode, separator, cathode and conduction.

    Returns
    -------
    Cell
    """
    always = ("anode", "separator", "cathode", "conduction")
    own = {key: value for key, value in cell.data["physics"].items() if key in always}
    bare = replace(cell.composition, physics=own | dict(physics))
    trial = dict(_TRIAL)
    # Oxidised near the upper cut-off, whatever that is.
    upper = cell.window[1] + cell.values["Negative electrode OCP [V]"]
    trial["Electrolyte oxidation potential [V]"] = upper
    active, electrolyte = (
        f"Positive electrode {part} mass fraction"
        for part in ("active material", "electrolyte")
    )
    entries = dict(cell.parameters.parameters)
    if physics.get("electrolyte_redox") and not cell.values[electrolyte]:
        share = cell.values[active]
        trial[electrolyte] = 0.1 * share
        entries[active] = _assumed(active, 0.9 * share)
    for name, value in trial.items():
        if name not in entries or entries[name].source == _NEUTRAL:
            entries[name] = _assumed(name, value)
    known = {q.name for q in (*GENERAL, *bare.quantities)}
    return Cell(
        replace(
            cell.parameters,
            name=f"{cell.name} with options",
            data={**cell.data, "physics": bare.physics},
            parameters={n: p for n, p in entries.items() if n in known},
        )
    )


def _assumed(name: str, value: float) -> Parameter:
    return Parameter(name, value, "assumed", "for the check", range=(value, value))


class _Noting(dict[str, Any]):
    """Variables that note which of them are used."""

    used: set[str]

    def __init__(self, variables: Mapping[str, Any], used: set[str] | None = None):
        super().__init__(variables)
        self.used = set() if used is None else used

    def __getitem__(self, name: str) -> Any:
        self.used.add(name)
        return super().__getitem__(name)

    def __or__(self, other: Any) -> _Noting:
        return _Noting({**self, **other}, self.used)


def _broken_rules(cell: Cell) -> Iterator[str]:
    """What of the contract no run would show."""
    host = cell.host
    again = replace(cell.composition).host
    if again != host or hash(again) != hash(host):
        yield "two hosts of the same table differ, or their hashes do"
    for group in host.shares:
        total = sum(cell.values[name] for name in group)
        if abs(total - 1) > 1e-6:
            yield f"{', '.join(group)} add up to {total:g}, not to 1"
    bare = with_options(cell, {})
    model = SolidStateCell(bare, shells=SHELLS)
    particle = bare.submodels()["positive particle"]
    variables = _Noting(model.variables)
    own = {**particle.get_fundamental_variables()}
    own |= particle.get_coupled_variables(variables)
    for part in ("rhs", "algebraic", "boundary_conditions", "initial_conditions"):
        getattr(particle, f"set_{part}")(variables)
    for name in sorted(variables.used - set(own) - set(takes(host))):
        yield f"the particle uses '{name}', which is not among what it may use"
    for name in ("Active host remaining", "Guest trapped"):
        if name not in variables.used:
            yield f"the particle does not use '{name}': it would not wear out"


def _run_case(cell: Cell, case: Case, errors: dict[str, float]) -> Iterator[str]:
    """Failures of a case; fills in its largest errors."""
    mesh = Resolution(shells=SHELLS, **case.mesh)
    try:
        variant = with_options(cell, case.physics)
        rate = variant.slow_rate
        hours = variant.theoretical_capacity / variant.current(rate)
    except Exception as error:
        yield f"{type(error).__name__}: {error}"
        return
    pulses = gitt(rate, f"{hours / 4} h", "1 h", direction=variant.first_step)
    for what, protocol in {
        "cycle and titration": then(cycle(rate), pulses),
        "spectrum": impedance(FREQUENCIES),
    }.items():
        try:
            run = simulate(variant, protocol, resolution=mesh)
        except Exception as error:
            yield f"{what}: {type(error).__name__}: {error}"
            continue
        yield from (f"{what}: {text}" for text in _failures(variant, run, errors))


def _failures(cell: Cell, run: xr.Dataset, errors: dict[str, float]) -> Iterator[str]:
    for name, column in run.data_vars.items():
        if column.dtype.kind == "f" and not np.isfinite(column.values).all():
            yield f"'{name}' is not finite"
    balance = max(float(np.abs(run[name].values).max()) for name in BALANCES)
    total = sum(run[name].values for name in metadata(run, "budget"))
    budget = float(np.abs(total - run["Voltage [V]"].values).max())
    errors["balance"] = max(balance, errors.get("balance", 0.0))
    errors["budget"] = max(budget, errors.get("budget", 0.0))
    if not balance <= BALANCE:
        yield f"a balance is off by {balance:.3g} of all host or its capacity"
    if not budget <= BUDGET:
        yield f"the contributions miss the voltage by {budget:.3g} V"
    passed = float(np.ptp(run["Discharge capacity [A.h]"].values))
    if not cell.has_redox and passed > cell.theoretical_capacity * (1 + SLACK):
        share = passed / cell.theoretical_capacity
        yield f"{share:.3g} of the capacity passes in a half cycle"
    if "Z real [Ohm]" in run and not (run["Z real [Ohm]"].values > 0).all():
        yield "the real part of the impedance is not positive: the cell is not passive"
