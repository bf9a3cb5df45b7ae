"""Conductivity of pellets: bulk, grain boundary, activation energies, pressure, composites.

``sigma = L/(R A)`` with the thickness without electrodes and the area of the electrodes; of
grain boundaries it is the apparent one. Arcs are told apart by their capacitance: bulk
below 1e-10 F/cm2, grain boundary to 1e-8, interface above 1e-7; two of one class, or
without geometry, by their time constant, the faster being the bulk.

Activation energies are those of ln(sigma T) over 1/T, or of ln(T/R) without geometry; the
exponent of the pressure is that of sigma of the total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.ladders import Arc, LadderFit, choose_ladder
from sscell.analysis.spectra import one_spectrum
from sscell.analysis.transport import arrhenius, fitted_line
from sscell.dataset import metadata
from sscell.errors import DataError, ParameterError

__all__ = ["conductivities"]

BULK, BOUNDARY, INTERFACE = 1e-10, 1e-8, 1e-7  # F/cm2: see the module
_PARTS = ("bulk", "grain_boundary", "total")


def conductivities(
    data: xr.Dataset | Sequence[xr.Dataset],
    *,
    temperatures: Sequence[float | None] | None = None,
    pressures: Sequence[float | None] | None = None,
    thickness_cm: float | None = None,
    area_cm2: float | None = None,
    thickness_error_cm: float = 0.0,
    circuit: str | None = None,
    composite: bool | None = None,
    layers: int = 1,
    series_resistance_ohm: float = 0.0,
) -> dict[str, Any]:
    """Conductivities of a pellet from spectra at several temperatures or pressures.

    Parameters
    ----------
    data : xarray.Dataset or sequence of xarray.Dataset
        Spectra; the states of one dataset count one by one.
    temperatures : sequence of float, optional
        [degC], one for each dataset; default: those of the datasets.
    pressures : sequence of float, optional
        [MPa], one for each dataset; default: those of the datasets.
    thickness_cm, area_cm2 : float, optional
        Of the pellet [cm] and of the electrodes [cm2]; without them conductivities are
        None.
    thickness_error_cm : float, optional
        One standard error of the thickness [cm]; the errors of conductivities hold it.
    circuit : str, optional
        In impedance.py's notation, with arcs ``p(Rk,CPEk)``; default: a series of arcs that
        the data choose.
    composite : bool, optional
        Whether the pellet conducts ions and electrons; default: as the spectrum shows.
    layers : int, optional
        Composite layers in series in the cell.
    series_resistance_ohm : float, optional
        Of a separator and leads, where known [Ohm]: less it, a composite tells its two
        resistances apart better.

    Returns
    -------
    dict
        ``points``, ``activation_energy_eV``, ``arrhenius_form``, ``pressure_exponent``,
        ``composite``, ``fits`` (``circuit``, ``misses``, curves) and ``warnings``.

    Raises
    ------
    DataError
        If a spectrum has fewer than ten points.
    ParameterError
        If there are not as many temperatures or pressures as spectra.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(6, 0, 50)
    >>> z = 100 / (1 + 2j * np.pi * f * 5e-7) + 1 / (2j * np.pi * f * 1e-6)
    >>> one = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> found = conductivities(one, thickness_cm=0.1, area_cm2=1.0)
    >>> round(found["points"][0]["total_S_cm"], 6)
    0.001
    """
    sets = [data] if isinstance(data, xr.Dataset) else list(data)
    spectra, hot, pressed = _spread(sets, temperatures, pressures)
    notes: list[str] = []
    sizes = None
    if thickness_cm and area_cm2:
        sizes = (thickness_cm, area_cm2, thickness_error_cm / thickness_cm)
    else:
        notes.append(
            "No thickness (--thickness) and area (--diameter or --area) are known: "
            "resistances and energies are given, conductivities are not."
        )
    if series_resistance_ohm:
        spectra = [(f, z - series_resistance_ohm) for f, z in spectra]
        if any(np.real(z).min() < 0 for _, z in spectra):
            raise ParameterError(
                f"The series resistance of {series_resistance_ohm:g} Ohm is more than that of "
                "a spectrum."
            )
    if circuit is None:
        fits = choose_ladder(spectra, composite, series_resistance_ohm > 0)
    else:
        fits = [_given(f, z, circuit, notes) for f, z in spectra]
    points = []
    for fit, celsius, pressure in zip(fits, hot, pressed, strict=True):
        point, said = _point(fit, sizes, celsius, pressure)
        point["composite"] = _composite(fit.composite, layers)
        points.append(point)
        notes += [n for n in said if n not in notes]
    notes += _fit_notes(fits)
    both = [p["composite"] for p in points if p["composite"] is not None]
    notes += _composite_notes(both, any(fit.shape.blocked for fit in fits))
    energies = {part: _energy(points, part, sizes is not None) for part in _PARTS}
    return {
        "points": points,
        "activation_energy_eV": energies,
        "arrhenius_form": "ln(sigma T)" if sizes else "ln(T/R)",
        "pressure_exponent": _exponent(points),
        "composite": both[0] if both else None,
        "fits": [_curves(fit, z) for fit, (_, z) in zip(fits, spectra, strict=True)],
        "warnings": notes,
    }


def _spread(
    sets: Sequence[xr.Dataset],
    temperatures: Sequence[float | None] | None,
    pressures: Sequence[float | None] | None,
) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[float | None], list[float | None]]:
    """Spectra one by one, each with its temperature and pressure."""
    spectra, hot, pressed = [], [], []
    for given, name in ((temperatures, "temperatures"), (pressures, "pressures")):
        if given is not None and len(given) not in (1, len(sets)):
            raise ParameterError(
                f"{len(given)} {name} are given for {len(sets)} spectra: give one, or one each."
            )
    for k, one in enumerate(sets):
        states = range(one.sizes.get("state", 1))
        for state in states:
            f, z = one_spectrum(one, state if "state" in one.dims else None)
            if len(f) < 10:
                raise DataError(f"A spectrum of {len(f)} points tells no conductivity.")
            spectra.append((f, z))
            hot.append(_of(temperatures, k, metadata(one, "temperature_C")))
            pressed.append(_of(pressures, k, metadata(one, "pressure_MPa")))
    return spectra, hot, pressed


def _of(given: Sequence[float | None] | None, k: int, own: float | None) -> float | None:
    if not given:
        return own
    return given[0 if len(given) == 1 else k]


def _given(f: np.ndarray, z: np.ndarray, circuit: str, notes: list[str]) -> LadderFit:
    """A circuit of the user as a ladder: its arcs and its series resistance."""
    import re

    from sscell.analysis.circuits import fit_circuit
    from sscell.analysis.ladders import Shape
    from sscell.dataset import spectrum

    data = spectrum(
        {"Frequency [Hz]": f, "Z real [Ohm]": np.real(z), "Z imaginary [Ohm]": np.imag(z)}
    )
    fit = fit_circuit(data, circuit)
    notes += [n for n in fit.warnings if n not in notes]
    errors = dict(zip(fit.names, fit.std_errors, strict=True))
    arcs = []
    for r, kind in re.findall(r"p\((R\d+),((?:CPE|C)\d+)\)", circuit.replace(" ", "")):
        size = fit[r]
        power = fit[f"{kind}_1"] if kind.startswith("CPE") else 1.0
        product = size * fit[f"{kind}_0" if kind.startswith("CPE") else kind]
        arcs.append(Arc(size, float(errors[r]), float(product ** (1 / power)), power))
    lone = [n for n in fit.names if re.fullmatch(r"R\d+", n) and f"p({n}," not in circuit]
    series = (fit[lone[0]], float(errors[lone[0]])) if lone else None
    arcs.sort(key=lambda a: a.tau)
    shape = Shape(series is not None, len(arcs), True)
    return LadderFit(
        circuit, shape, series, arcs, None, fit.chi_squared, 0.0, f, fit.impedance
    )


def _point(
    fit: LadderFit,
    sizes: tuple[float, float, float] | None,
    celsius: float | None,
    pressure: float | None,
) -> tuple[dict[str, Any], list[str]]:
    found, notes = _named(fit, None if sizes is None else sizes[1])
    point: dict[str, Any] = {"temperature_C": celsius, "pressure_MPa": pressure}
    for part in _PARTS:
        value, error = found.get(part, (None, None))
        sigma = spread = None
        if value is None or error is None or not error < 0.5 * value:
            value = error = None  # not known
        elif sizes is not None:
            sigma = sizes[0] / (value * sizes[1])
            spread = sigma * float(np.hypot(error / value, sizes[2]))
        point[f"{part}_S_cm"] = sigma
        point[f"{part}_std_error"] = spread
        point[f"{part}_ohm"] = value
        point[f"{part}_ohm_std_error"] = error
    value, error = found.get("interface", (None, None))
    told = value is not None and error is not None and error < 0.5 * value
    point["interface_ohm"] = value if told else None
    point["interface_ohm_std_error"] = error if told else None
    point["circuit"] = fit.circuit
    return point, notes


def _named(
    fit: LadderFit, area: float | None
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Resistances [Ohm] with errors by what they are: bulk, grain boundary, total, interface."""
    notes: list[str] = []
    found: dict[str, tuple[float, float]] = {}
    if fit.composite is not None:
        return found, notes
    classes = [_class(arc, area) for arc in fit.arcs]
    if area is None or None in classes or len(set(classes)) < len(classes):
        if len(fit.arcs) > 1 or None in classes:
            notes.append(
                "Arcs are told apart by their time constants (the fastest is the bulk): "
                + ("the area is not known." if area is None else
                   "their capacitances lie in one class or between two.")
            )  # fmt: skip
        if len(fit.arcs) > 1 or classes != ["grain_boundary"]:
            order = ("bulk", "grain_boundary", "interface")
            classes = [c if c == "interface" else o for c, o in
                       zip(classes, order, strict=False)]  # fmt: skip
    electrodes = []
    for arc, name in zip(fit.arcs, classes, strict=False):
        if name == "interface":
            electrodes.append((arc.resistance, arc.std_error))
        else:
            found[str(name)] = (arc.resistance, arc.std_error)
    parts = list(found.values())
    if fit.series is not None and "bulk" not in found:
        if "grain_boundary" in found and fit.series[0] > 0:
            found["bulk"] = fit.series
            notes.append(
                "The arc of the bulk is faster than the measurement; its resistance is that "
                "at the highest frequencies, with that of leads and contacts."
            )
        elif not parts:
            notes.append(
                "No arc is seen: the resistance is that of all, and no bulk is told."
            )
        parts.append(fit.series)
    if parts:
        error = float(np.sqrt(sum(e**2 for _, e in parts)))
        found["total"] = (sum(v for v, _ in parts), error)
    if electrodes:
        error = float(np.sqrt(sum(e**2 for _, e in electrodes)))
        found["interface"] = (sum(v for v, _ in electrodes), error)
    return found, notes


def _class(arc: Arc, area: float | None) -> str | None:
    """What an arc is by its capacitance per area; None between two classes."""
    if area is None:
        return None
    size = arc.capacitance / area
    if size < BULK:
        return "bulk"
    if size < BOUNDARY:
        return "grain_boundary"
    return "interface" if size > INTERFACE else None


def _fit_notes(fits: Sequence[LadderFit]) -> list[str]:
    notes = []
    for number, fit in enumerate(fits, start=1):
        if fit.misses > 0.02:
            notes.append(
                f"The circuit {fit.circuit} misses spectrum {number} by {fit.misses:.1%} of "
                "|Z|."
            )
    kinds = Counter(fit.circuit for fit in fits)
    if len(kinds) > 1:
        notes.append(
            "The spectra do not show the same arcs: "
            + ", ".join(f"{k} in {n}" for k, n in kinds.items())
            + "."
        )
    return notes


def _energy(points: Sequence[dict[str, Any]], part: str, sized: bool) -> Any:
    """Activation energy of one part over the points at the usual pressure."""
    key = f"{part}_S_cm" if sized else f"{part}_ohm"
    rows = [p for p in points if p[key] is not None and p["temperature_C"] is not None]
    if not rows:
        return None
    usual = Counter(p["pressure_MPa"] for p in rows).most_common(1)[0][0]
    rows = [p for p in rows if p["pressure_MPa"] == usual]
    celsius = [p["temperature_C"] for p in rows]
    if len(set(celsius)) < 3:
        return None
    values = [p[key] if sized else 1 / p[key] for p in rows]
    line = arrhenius(celsius, values)
    return {
        "value": line.activation_energy_eV,
        "std_error": line.activation_energy_error_eV,
    }


def _exponent(points: Sequence[dict[str, Any]]) -> dict[str, float | None] | None:
    """Exponent of the conductivity over the pressure, at the usual temperature."""
    rows = [
        p
        for p in points
        if p["total_ohm"] is not None and p["pressure_MPa"] and p["pressure_MPa"] > 0
    ]
    if not rows:
        return None
    usual = Counter(p["temperature_C"] for p in rows).most_common(1)[0][0]
    rows = [p for p in rows if p["temperature_C"] == usual]
    if len({p["pressure_MPa"] for p in rows}) < 2:
        return None
    x = np.log([p["pressure_MPa"] for p in rows])
    y = -np.log([p["total_ohm"] for p in rows])
    slope, _, covariance, _ = fitted_line(x, y, np.ones(len(x)))
    error = float(np.sqrt(covariance[0, 0])) if len(x) > 2 else None
    return {"value": slope, "std_error": error}


def _composite(found: dict[str, tuple[float, float]] | None, layers: int) -> Any:
    """Both resistances of one layer; None where the spectrum is that of a plain pellet."""
    if layers < 1:
        raise ParameterError(f"{layers} composite layers are none.")
    if found is None:
        return None
    ion, electron = found["ion_ohm"], found["electron_ohm"]
    known = electron[1] < 0.5 * electron[0]
    return {
        "r_ion_ohm": ion[0] / layers,
        "r_ion_std_error": ion[1] / layers,
        "r_electron_ohm": electron[0] / layers if known else None,
        "r_electron_std_error": electron[1] / layers if known else None,
    }


def _composite_notes(found: Sequence[dict[str, Any]], blocked: bool) -> list[str]:
    notes = []
    if found and blocked:
        notes.append(
            "The spectrum is taken for that of a composite between two electrodes that block "
            "ions; leads and contacts count as part of it unless --series-resistance says them."
        )
    elif found:
        notes.append(
            "The spectrum is that of a composite in which both phases conduct; it does not "
            "tell which resistance is whose, and the larger one is taken for the ions. Two "
            "that conduct alike look like one with a larger separator: --series-resistance "
            "says that of the separator."
        )
    if len(found) > 1:
        notes.append("The composite told first is that of the first of these spectra.")
    if any(p["r_electron_ohm"] is None for p in found):
        notes.append(
            "The resistance for electrons is too small beside the rest to be told."
        )
    return notes


def _curves(fit: LadderFit, z: np.ndarray) -> dict[str, Any]:
    return {
        "circuit": fit.circuit,
        "misses": fit.misses,
        "frequency_Hz": fit.frequency.tolist(),
        "real_ohm": np.real(z).tolist(),
        "imaginary_ohm": np.imag(z).tolist(),
        "fit_real_ohm": np.real(fit.impedance).tolist(),
        "fit_imaginary_ohm": np.imag(fit.impedance).tolist(),
    }
