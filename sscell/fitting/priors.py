"""What is known of parameters before a fit: files of values with errors and sources.

A file has a table a parameter, under its name::

    ["Separator conductivity [S.m-1]"]
    mean = 0.21
    std_error = 0.004
    source = "total of a pellet, by impedance: pellet.csv"

A conductivity may say at what temperature it is valid (``temperature_C``); a cell that gives
its own at another one gets it moved by its activation energy.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import Field

from sscell.cells.cell import Cell
from sscell.cells.writing import check_target
from sscell.errors import ParameterError, did_you_mean
from sscell.tables import Table, read_table
from sscell.units import GAS_CONSTANT, ZERO_CELSIUS

__all__ = ["Prior", "of_fit", "priors_for", "read_priors", "write_priors"]


class Prior(Table):
    """Value of a parameter that is known beforehand."""

    mean: float = Field(allow_inf_nan=False, description="in the unit of the name")
    std_error: float = Field(gt=0, allow_inf_nan=False, description="one, same unit")
    source: str = Field(min_length=1, description="what was measured")
    temperature_C: float | None = Field(
        None,
        gt=-ZERO_CELSIUS,
        allow_inf_nan=False,
        description="where a conductivity is valid [degC]",
    )


def write_priors(
    path: str | Path, priors: Mapping[str, Prior], heading: str | None = None
) -> Path:
    """Write a file of priors.

    Parameters
    ----------
    path : str or pathlib.Path
        A ``.toml`` file in a folder that exists.
    priors : mapping of str to Prior
        By name of the parameter.
    heading : str, optional
        First comment.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ParameterError
        If the path is not usable.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pellet.toml"
    >>> known = {"Separator conductivity [S.m-1]": Prior(mean=0.2, std_error=0.01, source="EIS")}
    >>> read_priors(write_priors(path, known)) == known
    True
    """
    path = Path(path)
    check_target(path)
    document = tomlkit.document()
    if heading is not None:
        document.add(tomlkit.comment(heading))
    for name, prior in priors.items():
        table = tomlkit.table()
        for key, value in prior.model_dump(exclude_none=True).items():
            table.add(key, float(f"{value:.6g}") if isinstance(value, float) else value)
        document.add(name, table)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


def read_priors(path: str | Path) -> dict[str, Prior]:
    """Read a file of priors.

    Parameters
    ----------
    path : str or pathlib.Path
        A ``.toml`` file.

    Returns
    -------
    dict of str to Prior

    Raises
    ------
    ParameterError
        If it is not there, or an entry is no prior.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ParameterError(f"There is no file '{path}' of priors.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"'{path}' is no TOML: {error}.") from None
    if not content:
        raise ParameterError(f"'{path}' holds no prior.")
    found = {}
    for name, entry in content.items():
        if not isinstance(entry, dict):
            raise ParameterError(
                f"'{path}' is no file of priors: '{name}' is no table with mean, std_error and "
                "source."
            )
        found[name] = read_table(Prior, entry, f"'{name}' of {path.name}")
    return found


def priors_for(
    cell: Cell, paths: Iterable[str | Path], vary: Iterable[str]
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Priors of files that a fit of this cell uses, and what there is to say of them.

    Parameters
    ----------
    cell : Cell
        That is fitted.
    paths : iterable of str or pathlib.Path
        ``.toml`` files.
    vary : iterable of str
        Names that vary.

    Returns
    -------
    tuple of dict and list of str
        Mean and standard error by name, in the units of the names; what there is to say: which
        were used, with their source, were moved to another temperature, or were left out.

    Raises
    ------
    ParameterError
        If a file is not usable, two say something of one parameter, or none of what they
        say varies.
    """
    varied = list(vary)
    used: dict[str, tuple[float, float]] = {}
    told: list[str] = []
    known: dict[str, Prior] = {}
    files = [Path(path) for path in paths]
    for path in files:
        entries = read_priors(path)
        for name in known.keys() & entries.keys():
            raise ParameterError(f"Two files of priors say something of '{name}'.")
        known |= entries
    for name, prior in known.items():
        if name not in varied:
            here = cell.parameter_dict()
            hint = "" if name in here else f", nor is it one of {cell.name}"
            told.append(f"The prior of {name} is not used: it does not vary{hint}.")
            continue
        mean, error, moved = _at_own_temperature(cell, name, prior)
        used[name] = (mean, error)
        told.append(f"Prior of {name}: {mean:.4g} +/- {error:.2g}{moved} ({prior.source}).")
    if known and not used:
        first = next(iter(known))
        hint = did_you_mean(first, varied, "parameters that vary")
        names = ", ".join(str(p) for p in files)
        raise ParameterError(f"Nothing of what {names} says varies: '{first}'. {hint}")
    return used, told


def _at_own_temperature(cell: Cell, name: str, prior: Prior) -> tuple[float, float, str]:
    """Mean and error at the temperature that the cell gives its own value at."""
    base = name.partition(" [")[0]
    values = cell.values
    energy = values.get(f"{base} activation energy [J.mol-1]")
    if prior.temperature_C is None or energy is None:
        return prior.mean, prior.std_error, ""
    kelvin = prior.temperature_C + ZERO_CELSIUS
    own = values.get(f"{base} temperature [K]", values["Reference temperature [K]"])
    if abs(own - kelvin) < 0.05:
        return prior.mean, prior.std_error, ""
    # A resistance falls with the temperature where a conductivity rises.
    sign = -1 if "resistance" in base else 1
    factor = math.exp(sign * energy / GAS_CONSTANT * (1 / kelvin - 1 / own))
    said = f", moved from {prior.temperature_C:g} to {own - ZERO_CELSIUS:g} degC"
    return prior.mean * factor, prior.std_error * factor, said


def of_fit(parameters: Iterable[Mapping[str, Any]], source: str) -> dict[str, Prior]:
    """Priors from what a fit found; what neither data nor a prior pin is left out.

    Parameters
    ----------
    parameters : iterable of mapping
        ``name``, ``value``, ``std_error``, ``pinned`` and ``prior``, as a fit tells them.
    source : str
        Of what they were fitted to.

    Returns
    -------
    dict of str to Prior

    Examples
    --------
    >>> row = {"name": "Contact resistance [Ohm]", "value": 4.0, "std_error": 0.1,
    ...        "pinned": True, "prior": None}
    >>> of_fit([row], "fitted to a.csv")["Contact resistance [Ohm]"].mean
    4.0
    """
    return {
        row["name"]: Prior(
            mean=row["value"],
            std_error=row["std_error"],
            source=source,
            temperature_C=None,
        )
        for row in parameters
        if (row["pinned"] or row["prior"])
        and row["std_error"] > 0
        and math.isfinite(row["std_error"])
    }
