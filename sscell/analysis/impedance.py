"""Impedance in one go: validity, relaxation times, circuit, interfacial resistance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.circuits import fit_circuit
from sscell.analysis.relaxation import BLOCKING, FEWEST, drt
from sscell.analysis.spectra import kramers_kronig, one_spectrum, tail_begin
from sscell.dataset import metadata, temperatures
from sscell.errors import condensed

__all__ = ["eis"]

_PARTS = ("interfacial_resistance_ohm", "arcs", "drt", "kramers_kronig", "circuit")
# Capacitance per area [F cm-2]: below the first of a bulk, to the second of grain boundaries,
# above the third of an interface; between them it is not decided.
_BULK, _GRAINS, _INTERFACE = 1e-10, 1e-8, 1e-7
COVERED = 0.2  # of |Z|: a larger arc counts even where a blocking tail has begun


def eis(
    data: xr.Dataset,
    *,
    circuit: str | None = None,
    initial_guess: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Everything about a dataset of impedance, ready for JSON.

    Parameters
    ----------
    data : xarray.Dataset
        One or several spectra.
    circuit : str, optional
        Equivalent circuit to fit to each.
    initial_guess : sequence of float, optional
        For the circuit.

    Returns
    -------
    dict
        ``spectra`` (``state``, ``passed_share``, ``temperature_C``, ``frequency_Hz``,
        ``real_ohm_cm2``,
        ``imaginary_ohm_cm2``; null without an area, beside ``real_ohm`` and
        ``imaginary_ohm``), ``interfacial_resistance_ohm_cm2``,
        ``interfacial_resistance_ohm``, ``drt``, ``kramers_kronig``, ``circuit`` and
        ``warnings``. With several spectra the last ones are lists.

    Notes
    -----
    ``arcs`` says of each closed arc its resistance, its capacitance per area and its origin:
    ``"bulk"``, ``"grain boundary"``, ``"interface"`` or ``"undecided"``.

    The interfacial resistance is the area of the DRT peaks within the measured range and
    faster than the tail of diffusion or blocking, which begins at the last minimum of
    -Im Z towards low frequency or, where it has none, behind its last shoulder; an arc of
    more than a fifth of Z's modulus counts even in a tail that blocks. Arcs of an electrolyte
    are left out where there are others. It is null where no arc closes.

    Examples
    --------
    >>> import numpy as np
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> round(eis(data)["interfacial_resistance_ohm"])
    50
    """
    area = metadata(data, "area_cm2")
    rows = _states(data)
    result: dict[str, Any] = {"spectra": [], "warnings": []}
    if area is None:
        result["warnings"].append(
            "No electrode area is known (--area): resistances are in Ohm, not Ohm cm2."
        )
    parts = [_one_state(one, circuit, initial_guess, result["warnings"]) for _, one in rows]
    result["warnings"] = condensed(result["warnings"])
    for label, one in rows:
        result["spectra"].append(_spectrum_dict(label, one, area))
    single = len(parts) == 1
    for key in _PARTS:
        values = [p[key] for p in parts]
        result[key] = values[0] if single else values
    ohm = [p["interfacial_resistance_ohm"] for p in parts]
    scaled = [None if area is None or r is None else r * area for r in ohm]
    result["interfacial_resistance_ohm_cm2"] = scaled[0] if single else scaled
    return result


def _arc(frequency: float, ohm: float, area: float | None) -> dict[str, Any]:
    """What an arc may be, by its capacitance per area; unknown without an area."""
    farad = 1 / (2 * np.pi * frequency * ohm)
    origin = None
    if area is not None:
        size = farad / area
        origin = "undecided"
        if size > _INTERFACE:
            origin = "interface"
        elif size < _BULK:
            origin = "bulk"
        elif size < _GRAINS:
            origin = "grain boundary"
    return {
        "frequency_Hz": float(frequency),
        "resistance_ohm": float(ohm),
        "capacitance_F_cm2": None if area is None else float(farad / area),
        "origin": origin,
    }


def _states(data: xr.Dataset) -> list[tuple[str | None, xr.Dataset]]:
    if "state" not in data.dims:
        return [(None, data)]
    labels = data["state"].values if "state" in data.coords else range(data.sizes["state"])
    return [(str(label), data.isel(state=k)) for k, label in enumerate(labels)]


def _spectrum_dict(
    label: str | None, data: xr.Dataset, area: float | None
) -> dict[str, Any]:
    f, z = one_spectrum(data)
    return {
        "state": label,
        "passed_share": _about(data, "passed_share"),
        "temperature_C": _celsius(data),
        "frequency_Hz": f.tolist(),
        "real_ohm_cm2": None if area is None else (np.real(z) * area).tolist(),
        "imaginary_ohm_cm2": None if area is None else (np.imag(z) * area).tolist(),
        "real_ohm": np.real(z).tolist(),
        "imaginary_ohm": np.imag(z).tolist(),
    }


def _celsius(data: xr.Dataset) -> float | None:
    own = _about(data, "temperature")
    return next(iter(temperatures(data)), None) if own is None else own


def _about(data: xr.Dataset, name: str) -> float | None:
    """What is known of a spectrum beside its impedance."""
    value = float(data[name]) if name in data.coords else float("nan")
    return None if value != value else value


def _one_state(
    data: xr.Dataset,
    circuit: str | None,
    initial_guess: Sequence[float] | None,
    notes: list[str],
) -> dict[str, Any]:
    fit = None
    if circuit is not None:
        fit = fit_circuit(data, circuit, initial_guess)
        notes += fit.warnings
    found = {**dict.fromkeys(_PARTS), "circuit": None if fit is None else fit.to_dict()}
    if one_spectrum(data)[0].size < FEWEST:
        notes.append(
            f"A spectrum of fewer than {FEWEST} frequencies has no distribution of "
            "relaxation times and no test of Kramers and Kronig."
        )
        return found
    spread = drt(data)
    f, z = one_spectrum(data)
    slowest = tail_begin(f, z)
    blocked = spread.series_exponent > BLOCKING
    closed = []
    for peak in spread.peaks:
        at = peak["frequency_Hz"]
        modulus = np.interp(at, f[::-1], np.abs(z)[::-1])
        if peak["closed"] and (
            at >= slowest or (blocked and peak["area_ohm"] > COVERED * modulus)
        ):
            closed.append(_arc(at, peak["area_ohm"], metadata(data, "area_cm2")))
    notes += spread.warnings
    ours = [arc for arc in closed if arc["origin"] in ("interface", "undecided", None)]
    if closed and not ours:
        notes.append(
            "All arcs have the capacitance of an electrolyte, none that of an interface; "
            "their sum is given as the interfacial resistance."
        )
    elif len(ours) < len(closed):
        rest = sum(arc["resistance_ohm"] for arc in closed if arc not in ours)
        notes.append(
            f"Arcs of {rest:.4g} Ohm have the capacitance of an electrolyte's bulk or grain "
            "boundaries: they are not counted as interfacial."
        )
    check = kramers_kronig(data)
    notes += check.warnings
    return found | {
        "interfacial_resistance_ohm": float(
            sum(arc["resistance_ohm"] for arc in ours or closed)
        )
        if closed
        else None,
        "arcs": closed,
        "drt": spread.to_dict(),
        "kramers_kronig": check.to_dict(),
    }
