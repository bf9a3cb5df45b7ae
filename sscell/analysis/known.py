"""What measurements on pellets and symmetric cells say of the parameters of a cell.

The conductivity of a layer is the total one, of bulk and grain boundaries, at 25 degC where
the temperatures reach it, with the activation energy of ln(sigma) that models of cells use.
An arc above 1e-7 F/cm2 is that of two equal interfaces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sscell.analysis.transport import fitted_line
from sscell.errors import DataError, ParameterError
from sscell.units import GAS_CONSTANT, ZERO_CELSIUS

__all__ = ["CONDUCTIVITY", "INTERPHASE", "known_values"]

CONDUCTIVITY = "Separator conductivity [S.m-1]"
INTERPHASE = "Negative electrode interphase resistance [Ohm.m2]"
USUAL = 25.0  # degC
NEAR = 15.0  # K beyond the measured temperatures, as far as a line is trusted
UNIT = " [S.m-1]"


def known_values(
    kind: str,
    result: Mapping[str, Any],
    source: str,
    *,
    parameter: str | None = None,
    area_cm2: float | None = None,
) -> dict[str, dict[str, Any]]:
    """Values of parameters with errors and sources, from the result of an analysis.

    Parameters
    ----------
    kind : str
        ``"conductivity"`` or ``"polarisation"``.
    result : mapping
        Of the analysis.
    source : str
        What was measured: the files.
    parameter : str, optional
        Which conductivity it is [S.m-1]; default: that of the separator, for pellets.
    area_cm2 : float, optional
        Of the electrodes [cm2], for the resistance of interfaces.

    Returns
    -------
    dict of str to dict
        By name: ``mean``, ``std_error`` [unit of the name], ``source`` and perhaps
        ``temperature_C``.

    Raises
    ------
    ParameterError
        If the kind or the name says no parameter of a cell.
    DataError
        If the result holds no such value.

    Examples
    --------
    >>> point = {"total_S_cm": 2e-3, "total_std_error": 1e-5, "temperature_C": 25.0,
    ...          "pressure_MPa": None}
    >>> known = known_values("conductivity", {"points": [point]}, "pellet.csv")
    >>> known["Separator conductivity [S.m-1]"]["mean"]
    0.2
    """
    if parameter is not None and not parameter.endswith(UNIT):
        raise ParameterError(f"--parameter '{parameter}' must end in '{UNIT.strip()}'.")
    if kind == "conductivity":
        name = parameter or CONDUCTIVITY
        points = result["points"]
        found = _conductivity(points, name, source) | _interface(points, source, area_cm2)
        if not found:
            raise DataError(
                "No conductivity and no interface is told that -o could write: thickness and "
                "area (--thickness, --diameter) are needed, and a resistance."
            )
        return found
    if kind == "polarisation":
        if parameter is None:
            raise ParameterError(
                "Say with --parameter which conductivity of a cell this is, such as "
                f"'{CONDUCTIVITY}'."
            )
        sigma, error = result["conductivity_S_cm"], result["std_error"]
        if sigma is None:
            raise DataError("No conductivity is told that -o could write: say --thickness.")
        said = f"{result['conducts'] or 'conducts what is not blocked'}, by polarisation"
        return {parameter: _entry(100 * sigma, 100 * error, f"{said}: {source}")}
    raise ParameterError(
        f"-o of --kind {kind} writes nothing: conductivity and polarisation tell values of "
        "parameters."
    )


def _entry(mean: float, error: float, source: str, **more: Any) -> dict[str, Any]:
    # A scatter of nothing is none that a fit could weigh.
    return {
        "mean": mean, "std_error": max(error, 1e-6 * abs(mean)), "source": source, **more
    }  # fmt: skip


def _conductivity(
    points: Sequence[Mapping[str, Any]], name: str, source: str
) -> dict[str, dict[str, Any]]:
    """Conductivity of a layer, with its activation energy over three temperatures."""
    rows = [p for p in points if p["total_S_cm"] is not None]
    if not rows:
        return {}
    usual = Counter(p["pressure_MPa"] for p in rows).most_common(1)[0][0]
    rows = [p for p in rows if p["pressure_MPa"] == usual]
    said = f"total of a pellet, by impedance: {source}"
    hot = sorted({p["temperature_C"] for p in rows if p["temperature_C"] is not None})
    if len(hot) < 3:
        row = min(rows, key=lambda p: abs((p["temperature_C"] or USUAL) - USUAL))
        where = {} if not hot else {"temperature_C": row["temperature_C"]}
        sigma, error = row["total_S_cm"], row["total_std_error"]
        return {name: _entry(100 * sigma, 100 * error, said, **where)}
    rows = [p for p in rows if p["temperature_C"] is not None]
    at = float(np.clip(USUAL, hot[0] - NEAR, hot[-1] + NEAR))
    slope, middle, covariance = _line(rows, at)
    mean = float(np.exp(middle))
    own = float(np.median([p["total_std_error"] / p["total_S_cm"] for p in rows]))
    # The scatter about the line does not hold what all points have in common: the sizes.
    spread = mean * float(np.hypot(np.sqrt(covariance[1, 1]), own))
    energy, error = -slope * GAS_CONSTANT, np.sqrt(covariance[0, 0]) * GAS_CONSTANT
    said = f"line of ln(sigma) over 1/T, {said}"
    barrier = f"{name.removesuffix(UNIT)} activation energy [J.mol-1]"
    return {
        name: _entry(100 * mean, 100 * spread, said, temperature_C=round(at, 3)),
        barrier: _entry(energy, float(error), said),
    }


def _line(
    rows: Sequence[Mapping[str, Any]], celsius: float
) -> tuple[float, float, np.ndarray]:
    """Line of ln(sigma) over 1/T - 1/T0: its slope [K], its value at T0, covariance."""
    kelvin = np.array([p["temperature_C"] for p in rows]) + ZERO_CELSIUS
    y = np.log([p["total_S_cm"] for p in rows])
    x = 1 / kelvin - 1 / (celsius + ZERO_CELSIUS)
    slope, middle, covariance, _ = fitted_line(x, y, np.ones(len(x)))
    return slope, middle, covariance


def _interface(
    points: Sequence[Mapping[str, Any]], source: str, area_cm2: float | None
) -> dict[str, dict[str, Any]]:
    """Resistance of one of two equal interfaces [Ohm.m2]."""
    rows = [p for p in points if p.get("interface_ohm") is not None]
    if not rows or not area_cm2:
        return {}
    row = min(rows, key=lambda p: abs((p["temperature_C"] or USUAL) - USUAL))
    each = area_cm2 * 1e-4 / 2
    where = {} if row["temperature_C"] is None else {"temperature_C": row["temperature_C"]}
    said = (
        "half of the arc of both interfaces of a symmetric cell, charge transfer with it: "
        f"{source}"
    )
    mean, error = row["interface_ohm"] * each, row["interface_ohm_std_error"] * each
    return {INTERPHASE: _entry(mean, error, said, **where)}
