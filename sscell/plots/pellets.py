"""Figures of pellets and symmetric cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sscell.plots.style import figure_style, subplots

__all__ = ["plot_conductivity", "plot_critical_current", "plot_polarisation"]

_COLOURS = {"bulk": "#0072B2", "grain_boundary": "#D55E00", "total": "#000000"}


def plot_conductivity(result: Mapping[str, Any]) -> Any:
    """Spectra with their fits, and the conductivity over temperature or pressure.

    Parameters
    ----------
    result : dict
        From `sscell.analysis.conductivities`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from sscell.analysis import conductivities
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(6, 0, 50)
    >>> z = 100 / (1 + 2j * np.pi * f * 1e-5) + 1 / (2j * np.pi * f * 1e-6)
    >>> one = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> len(plot_conductivity(conductivities(one)).axes)
    2
    """
    import matplotlib

    points, fits = result["points"], result["fits"]
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(fits)))
    with figure_style():
        figure, (left, right) = subplots(1, 2, figsize=(6.9, 3.0), layout="constrained")
        for fit, point, shade in zip(fits, points, shades, strict=True):
            label = _label(point)
            # Over their own size: spectra of all temperatures are seen in one frame.
            size = point["total_ohm"] or max(np.abs(fit["real_ohm"]))
            real, imaginary = (
                np.array(fit[k]) / size for k in ("real_ohm", "imaginary_ohm")
            )
            left.plot(real, -imaginary, "o", ms=2, color=shade, label=label)
            fitted = [np.array(fit[f"fit_{k}_ohm"]) / size for k in ("real", "imaginary")]
            left.plot(fitted[0], -fitted[1], "-", lw=0.8, color=shade)
        left.plot(0, 0, alpha=0)
        left.set_aspect("equal", adjustable="box")
        left.set_xlim(0, 1.6)
        left.set_ylim(0, 1.3)
        left.set_xlabel(r"Re Z / $R_\mathrm{total}$")
        left.set_ylabel(r"-Im Z / $R_\mathrm{total}$")
        if 1 < len(fits) <= 8:
            left.legend(loc="upper left", fontsize=6, markerscale=1.5)
        _draw_dependence(right, result)
    return figure


def _label(point: Mapping[str, Any]) -> str:
    parts = []
    if point["temperature_C"] is not None:
        parts.append(f"{point['temperature_C']:g} °C")
    if point["pressure_MPa"] is not None:
        parts.append(f"{point['pressure_MPa']:g} MPa")
    return ", ".join(parts)


def _draw_dependence(axes: Any, result: Mapping[str, Any]) -> None:
    points = result["points"]
    pressed = result["pressure_exponent"] is not None
    sized = result["arrhenius_form"] == "ln(sigma T)"
    for part, colour in _COLOURS.items():
        key = f"{part}_S_cm" if sized else f"{part}_ohm"
        rows = [p for p in points if p[key] is not None]
        if not rows:
            continue
        y = np.array([p[key] if sized else 1 / p[key] for p in rows])
        text, energy = part.replace("_", " "), result["activation_energy_eV"][part]
        if pressed:
            x = np.array([p["pressure_MPa"] or np.nan for p in rows])
            axes.loglog(x, y, "o", ms=3.5, color=colour, label=text)
            continue
        if any(p["temperature_C"] is None for p in rows):
            axes.semilogy(np.arange(1, len(rows) + 1), y, "o", color=colour, label=text)
            continue
        kelvin = np.array([p["temperature_C"] + 273.15 for p in rows])
        if energy is not None:
            text += f": {energy['value']:.3f} ± {energy['std_error']:.3f} eV"
        axes.semilogy(1e3 / kelvin, y * kelvin, "o", ms=3.5, color=colour, label=text)
        if energy is not None:
            slope, offset = np.polyfit(1 / kelvin, np.log(y * kelvin), 1)
            axes.semilogy(
                1e3 / kelvin, np.exp(offset + slope / kelvin), lw=0.9, color=colour
            )
    quantity = r"$\sigma$" if sized else "1/R"
    unit = r"S cm$^{-1}$" if sized else r"$\Omega^{-1}$"
    known = not pressed and all(p["temperature_C"] is not None for p in points)
    axes.set_xlabel(
        "Stack pressure [MPa]" if pressed else "1000 / T [1/K]" if known else "Spectrum"
    )
    axes.set_ylabel(f"{quantity} T [{unit} K]" if known else f"{quantity} [{unit}]")
    if axes.lines:
        axes.legend(loc="best")


def plot_polarisation(data: xr.Dataset, result: Mapping[str, Any]) -> Any:
    """Current over time, and the settled currents with Ohm's line.

    Parameters
    ----------
    data : xarray.Dataset
        As it was analysed.
    result : dict
        From `sscell.analysis.polarisation`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sscell.analysis import polarisation
    >>> from sscell.dataset import time_series
    >>> t = np.linspace(0, 600, 61)
    >>> data = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 0.02,
    ...                     "Current [A]": 1e-6 + 1e-5 * np.exp(-t / 20)})
    >>> len(plot_polarisation(data, polarisation(data)).axes)
    2
    """
    volts = np.array([s["voltage_V"] for s in result["steps"]])
    amps = np.array([s["current_A"] for s in result["steps"]])
    settled = np.array([s["settled"] for s in result["steps"]])
    with figure_style():
        figure, (left, right) = subplots(1, 2, figsize=(6.9, 2.8), layout="constrained")
        hours = data["Time [s]"].values / 3600
        current = data["Current [A]"].values * 1e6
        left.plot(hours, current, lw=1, color="#0072B2")
        high = 1e6 * np.abs(amps).max() * 3
        low = min(float(current.min()), 0.0)
        left.set_ylim(max(low, -high), high)
        left.set_xlabel("Time [h]")
        left.set_ylabel("Current [µA]")
        for kept, fill in ((settled, "#0072B2"), (~settled, "none")):
            style = {"color": "#0072B2", "mfc": fill}
            label = "settled" if fill != "none" else "extrapolated"
            right.plot(volts[kept] * 1e3, amps[kept] * 1e6, "o", label=label, **style)
        line = np.array([min(volts.min(), 0.0), max(volts.max(), 0.0)])
        slope, offset = 1 / result["resistance_ohm"], result["offset_current_A"]
        slope *= 1 if volts @ amps > 0 else -1  # by the instrument's convention
        if len(volts) > 1 or offset == 0:
            slope = float(np.polyfit(volts, amps, 1)[0]) if offset else slope
            right.plot(line * 1e3, (line * slope + offset) * 1e6, lw=0.9, color="0.4")
        right.set_xlabel("Voltage [mV]")
        right.set_ylabel("Settled current [µA]")
        if not settled.all():
            right.legend()
    return figure


def plot_critical_current(data: xr.Dataset, result: Mapping[str, Any]) -> Any:
    """Voltage and current over time, and the area resistance of each step.

    Parameters
    ----------
    data : xarray.Dataset
        As it was analysed.
    result : dict
        From `sscell.analysis.critical_current`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sscell.analysis import critical_current
    >>> from sscell.dataset import time_series
    >>> t = np.arange(0.0, 80.0)
    >>> i = 1e-3 * np.where((t // 10) % 2 == 0, 1, -1) * (1 + t // 20)
    >>> data = time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": 50 * i})
    >>> len(plot_critical_current(data, critical_current(data, area_cm2=1.0)).axes)
    3
    """
    steps = result["steps"]
    density = np.array([s["current_mA_cm2"] for s in steps])
    resistance = np.array([s["area_resistance_ohm_cm2"] for s in steps])
    failed = result["first_failed_mA_cm2"]
    with figure_style():
        figure, (left, right) = subplots(1, 2, figsize=(6.9, 2.8), layout="constrained")
        hours = data["Time [s]"].values / 3600
        left.plot(hours, data["Voltage [V]"].values * 1e3, lw=0.8, color="#0072B2")
        left.set_xlabel("Time [h]")
        left.set_ylabel("Voltage [mV]", color="#0072B2")
        twin = left.twinx()
        twin.plot(hours, data["Current [A]"].values * 1e3, lw=0.6, color="0.6")
        twin.set_ylabel("Current [mA]", color="0.4")
        ramp = np.ptp(density) > 0.01 * density.max()
        x = density if ramp else np.arange(1, len(density) + 1)
        right.plot(x, resistance, "o-", ms=3.5, color="#0072B2")
        right.set_ylim(bottom=0)
        right.margins(y=0.1)
        if failed is not None and ramp:
            word = result["short"]["kind"] + " short" if result["short"] else "lost contact"
            right.axvline(failed, color="#D55E00", lw=0.9, ls="--")
            right.annotate(
                f"{word} at {failed:.3g}", (failed, 0.02), xycoords=("data", "axes fraction"),
                xytext=(-3, 0), textcoords="offset points", rotation=90, ha="right",
                va="bottom", color="#D55E00", fontsize=7,
            )  # fmt: skip
        right.set_xlabel(r"Current [mA cm$^{-2}$]" if ramp else "Cycle")
        right.set_ylabel(r"Area resistance [$\Omega$ cm$^2$]")
    return figure
