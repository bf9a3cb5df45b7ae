"""What a fit needs before it starts: data checked, parameters checked, and what they pin."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sscell.cells.cell import Cell
from sscell.dataset import metadata
from sscell.errors import ParameterError, SimulationError, did_you_mean
from sscell.fitting.checks import (
    check_course,
    check_spectrum,
    remarks_of,
    remarks_of_spectrum,
)
from sscell.fitting.courses import Course, course
from sscell.fitting.identifiability import Knowledge, knowledge
from sscell.fitting.priors import priors_for
from sscell.fitting.problem import Problem
from sscell.fitting.spectra import Spectrum, spectra
from sscell.fitting.starts import begins_ahead, state_notes
from sscell.fitting.variables import variables_of
from sscell.protocols.steps import whole
from sscell.readers import Choice
from sscell.simulation.engine import Resolution
from sscell.units import parse_pressure, parse_quantity

__all__ = ["RESOLUTION", "Bounds", "identify", "prepare"]

Bounds = Mapping[str, tuple[float, float]]
# Coarser than a run, for speed: the fit says what the mesh of a run would change.
RESOLUTION = Resolution(shells=25, rtol=1e-5, atol=1e-7)


def prepare(
    cell: str | Cell,
    datasets: Any,
    vary: Bounds,
    *,
    temperature: Any = None,
    pressure: Any = None,
    weights: Any = None,
    states: Any = "pristine",
    noise: Any = None,
    cutoffs: tuple[float, float] | None = None,
    log: Sequence[str] | None = None,
    priors: Mapping[str, tuple[float, float]] | str | Path | None = None,
    separate: Sequence[str] = (),
    points: int = 200,
    cycles: Any = None,
    half: Any = None,
    window: Any = None,
    frequencies: Any = None,
    drop: Any = None,
    only: str = "both",
    resolution: Resolution | None = None,
) -> tuple[Problem, list[str]]:
    """Check data and parameters, and set up what a fit minimises.

    Parameters
    ----------
    cell : str or Cell
        Where the fit starts.
    datasets : xarray.Dataset, sequence or mapping of them
        Time series or impedance spectra, measured or simulated; the keys of a mapping are
        their names.
    vary : mapping of str to tuple of float
        Bounds by parameter [unit of the name].
    temperature : float, str or sequence, optional
        One for all, or one each [degC]; default: the data's own, else the set's.
    pressure : float, str or sequence, optional
        On the stack: one for all, or one each [MPa]; default: the data's own, else the
        set's.
    weights : float or sequence, optional
        Factor on the residuals of each dataset, against the others [-].
    states : str or sequence, optional
        What each starts from, as for `sscell.simulate`: ``"pristine"``, ``"formed"``, a state
        of charge such as ``"50%"`` or a voltage such as ``"3.3V"``; ``"data"``: formed, and
        led to the first voltage of the data by their first current, for data that begin in
        the middle of a half cycle.
    noise : float or sequence, optional
        Standard deviation of the voltage [V], or in a sequence that of each dataset, for a
        spectrum as a share of the modulus [-]; default: estimated from each dataset.
    cutoffs : tuple of float, optional
        Where the tests turned round [V]; default: the cell's window.
    log, priors, separate : optional
        As for `variables_of`; priors may be a ``.toml`` file, see `sscell.fitting.priors`.
    points : int, optional
        Points compared in each dataset.
    cycles, half, window, frequencies, drop : optional
        What is compared, as for `sscell.select`: one for all, or a list with one (or None)
        for each dataset; bare numbers are in [V] and [Hz]. In a time series, all before it
        is repeated.
    only : str, optional
        Another name of `half`; ``"both"`` chooses nothing.
    resolution : Resolution, optional
        Meshes and tolerances.

    Returns
    -------
    tuple of Problem and list of str
        With remarks about the data.

    Raises
    ------
    ParameterError
        If a parameter or an option is not usable.
    DataError
        If the data cannot be of this cell.

    Examples
    --------
    >>> import sscell
    >>> run = sscell.simulate("Ji2024", sscell.discharge("C/10"))
    >>> problem, _ = prepare("Ji2024", run, {"R3 rate constant [s-1]": (1e-5, 1e-3)})
    >>> problem.courses[0].segments[0].limit
    0.7
    """
    cell = cell if isinstance(cell, Cell) else Cell.load(cell)
    whole(points, "Points", 3)
    if cutoffs is not None and not cutoffs[0] < cutoffs[1]:
        raise ParameterError(f"Cut-offs must be a lower and an upper one, not {cutoffs}.")
    named = _named(datasets)
    count = len(named)
    celsius = _each(temperature, count, "temperature")
    cell, pressures = _pressures(cell, named, _each(pressure, count, "pressure"), vary)
    choices = _choices(
        named,
        {
            "cycles": cycles,
            "half": half,
            "window": window,
            "frequencies": frequencies,
            "drop": drop,
        },
        only,
    )
    each = zip(
        named.items(),
        choices,
        celsius,
        pressures,
        _each(weights, count, "weights"),
        _each(states, count, "states"),
        _each(noise, count, "noise"),
        strict=True,
    )
    courses: list[Course | Spectrum] = []
    told: list[str] = []
    for (label, data), choice, degrees, applied, weight, state, sigma in each:
        common: dict[str, Any] = {
            "label": label,
            "celsius": _degrees(degrees),
            "points": points,
            "weight": _positive(weight, "weights") or 1.0,
            "state": state,
        }
        sigma = _positive(sigma, "noise")
        if "frequency" in data.dims:
            # A noise for all data is one of the voltage.
            own = (
                sigma if noise is not None and not isinstance(noise, numbers.Real) else None
            )
            several = data.sizes.get("state", 1)
            if several > 1:
                told.append(
                    f"All {several} spectra of {label} are taken at the state '{state}': give "
                    "those of other states as datasets of their own, each with its state."
                )
            for found in spectra(choice.apply(data), noise=own, **common):
                spectrum = replace(found, pressure=applied)
                if spectrum.celsius is not None:
                    cell.kelvin(spectrum.celsius)
                check_spectrum(cell, spectrum, resolution or RESOLUTION)
                told += remarks_of_spectrum(cell, spectrum)
                told += state_notes(cell, spectrum, resolution or RESOLUTION)
                courses.append(spectrum)
            continue
        limits = cutoffs or cell.window
        repeated = course(data, limits, noise=sigma, choice=choice, **common)
        found = replace(repeated, pressure=applied)
        check_course(cell, found)
        if found.celsius is not None:
            cell.kelvin(found.celsius)  # refuses what is out of range
        # Refuses a state that no step leads to.
        ahead = begins_ahead(cell, found, resolution or RESOLUTION)
        told += remarks_of(cell, found, limits)
        told += state_notes(cell, found, resolution or RESOLUTION)
        found = replace(found, ahead=ahead)
        courses.append(_heeding(cell, found, resolution or RESOLUTION))
    courses = _balanced(courses)
    labels = [c.label for c in courses]
    if isinstance(priors, str | Path):
        priors, said = priors_for(cell, [priors], vary)
        told += said
    variables = variables_of(cell, vary, labels, log, priors, separate)
    problem = Problem(cell, tuple(courses), variables, resolution or RESOLUTION)
    return problem, list(dict.fromkeys(told))


def _choices(
    named: Mapping[str, xr.Dataset], parts: dict[str, Any], only: str
) -> list[Choice]:
    """What is compared of each dataset: of one choice for all, what goes with its kind."""
    if only not in ("both", "discharge", "charge"):
        hint = did_you_mean(only, ("both", "discharge", "charge"), "directions")
        raise ParameterError(f"Direction '{only}' is not one. {hint}")
    if only != "both":
        if parts["half"] not in (None, only):
            raise ParameterError("half and only are two names of one thing: give one.")
        parts = parts | {"half": only}
    each = {name: _each_choice(part, len(named), name) for name, part in parts.items()}
    found = []
    kinds = ["frequency" in data.dims for data in named.values()]
    for number, spectral in enumerate(kinds):
        own = Choice(**{name: values[number] for name, values in each.items()})
        # With data of both kinds, each takes what is meant for it.
        if len(set(kinds)) == 1:
            own.check_kind(spectral)
        found.append(own if len(set(kinds)) == 1 else own.of_kind(spectral))
    return found


def _each_choice(given: Any, count: int, name: str) -> list[Any]:
    """One part of a choice for all, or one each; numbers and pairs of numbers are one."""
    many = isinstance(given, list | tuple) and any(
        x is None or not isinstance(x, int | float | np.number) for x in given
    )
    if name in ("window", "frequencies") and many and len(given) == 2 and count != 2:
        many = False  # one pair, such as ("3 V", "4 V")
    return _each(given, count, name) if many else [given] * count


def _heeding(cell: Cell, course: Course, resolution: Resolution) -> Course:
    """Data whose currents are known no better than the voltages that were set."""
    if not course.held.any():
        return course
    try:
        ends = [
            Problem(cell, (c,), (), resolution).curves(np.empty(0))[0]
            for c in (course, course.shifted())
        ]
    except SimulationError:  # the fit says so itself, unless it starts elsewhere
        return course
    return course.widened(ends[1] - ends[0])


def _balanced(courses: Sequence[Course | Spectrum]) -> list[Course | Spectrum]:
    """Weights with a mean square of one: they say what counts more, not how sure it is."""
    sizes = np.array([c.measured.size for c in courses])
    weights = np.array([c.weight for c in courses])
    mean = float(np.sqrt(np.average(weights**2, weights=sizes)))
    return [replace(c, weight=c.weight / mean) for c in courses]


def _named(datasets: Any) -> dict[str, xr.Dataset]:
    if isinstance(datasets, xr.Dataset):
        datasets = [datasets]
    if not isinstance(datasets, Mapping):
        names: dict[str, xr.Dataset] = {}
        for number, data in enumerate(datasets, start=1):
            source = metadata(data, "source_file") or metadata(data, "source")
            name = str(source or f"data {number}")
            names[name if name not in names else f"{name} {number}"] = data
        datasets = names
    if not datasets:
        raise ParameterError("Give at least one dataset to fit.")
    for label, data in datasets.items():
        if not isinstance(data, xr.Dataset):
            raise ParameterError(
                f"'{label}' is no dataset but {type(data).__name__}; read a file with "
                "sscell.read."
            )
    return dict(datasets)


def _each(value: Any, count: int, name: str) -> list[Any]:
    if value is None or isinstance(value, str | int | float):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise ParameterError(
            f"Give one {name} for all datasets or one each: {len(values)} for {count}."
        )
    return values


def _pressures(
    cell: Cell, named: Mapping[str, xr.Dataset], given: Sequence[Any], vary: Bounds
) -> tuple[Cell, list[float | None]]:
    """Pressure on each dataset [Pa]; the cell has a contact if one of its values varies."""
    own = [metadata(data, "pressure_MPa") for data in named.values()]
    asked = [a if b is None else b for a, b in zip(own, given, strict=True)]
    found = [None if value is None else parse_pressure(value) for value in asked]
    name = "Applied stack pressure [Pa]"
    known = [value for value in found if value is not None]
    if known and name in vary:
        raise ParameterError(
            "The pressure is a condition of the data; give it with each dataset."
        )
    if known and not cell.has_contact:
        cell = cell.under(known[0], vary)
    return cell, found


def _degrees(value: Any) -> float | None:
    return None if value is None else float(parse_quantity(value, "degC", "Temperature"))


def _positive(value: Any, name: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < float(value) < math.inf:
        raise ParameterError(f"The {name} must be a positive number, not {value!r}.")
    return float(value)


def identify(cell: str | Cell, datasets: Any, vary: Bounds, **options: Any) -> Knowledge:
    """What data could pin of parameters, at the cell's own values, before any fit.

    Parameters
    ----------
    cell : str or Cell
        Whose values are taken as true.
    datasets : xarray.Dataset, sequence or mapping of them
        Measured, or simulated for a test that is planned.
    vary : mapping of str to tuple of float
        Bounds by parameter [unit of the name].
    **options
        As for `prepare`.

    Returns
    -------
    Knowledge

    Raises
    ------
    ParameterError, DataError
        As for `prepare`.
    SimulationError
        If the model fails at these values.

    Examples
    --------
    >>> import sscell
    >>> run = sscell.simulate("Ji2024", sscell.discharge("C/10"))
    >>> pair = {"Separator thickness [m]": (1e-4, 2e-3),
    ...         "Separator conductivity [S.m-1]": (1e-3, 1e-1)}
    >>> print(identify("Ji2024", run, pair, noise=2e-3))
    Separator thickness and Separator conductivity are known only together: the data pin \
Separator thickness^0.71 x Separator conductivity^-0.71, not the two apart.
    """
    problem, _ = prepare(cell, datasets, vary, **options)
    u = problem.start()
    _, jacobian = problem(u)
    return knowledge(jacobian, problem.variables, u)
