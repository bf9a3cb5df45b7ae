"""Figures of analysed data, measured or simulated: titration, dQ/dV, CV, impedance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from sscell.analysis.capacity import SMOOTHING, differential_capacity, half_cycles
from sscell.analysis.sweeping import sweeps
from sscell.analysis.titration import Titration
from sscell.analysis.voltammetry import Voltammetry
from sscell.dataset import metadata
from sscell.errors import DataError
from sscell.plots.cycling import column
from sscell.plots.style import DIRECTION_COLOURS, figure_style, plain, subplots

__all__ = ["plot_cv", "plot_dqdv", "plot_eis", "plot_gitt"]

FEW = 6  # spectra that a legend can name; more are told apart by a scale of colours


def plot_gitt(result: Titration) -> Any:
    """OCV with its plateaus, polarisation and apparent diffusion over the capacity.

    Parameters
    ----------
    result : Titration
        From `sscell.analysis.gitt`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> pulse = dict.fromkeys(("cumulative_capacity_mAh_g", "diffusion_coefficient_cm2_s",
    ...                        "diffusion_rate_1_s", "ohmic_V", "concentration_V"))
    >>> pulse |= {"cumulative_capacity_mAh": 1.0, "ocv_V": 2.0, "overpotential_V": 0.1}
    >>> part = {"pulses": [pulse], "ocv_plateaus_V": [2.0], "initial_ocv_V": 2.1}
    >>> len(plot_gitt(Titration({"discharge": part}, "chang")).axes)
    3
    """
    everything = [p for part in result.directions.values() for p in part["pulses"]]
    specific = everything[0]["cumulative_capacity_mAh_g"] is not None
    absolute = any(p["diffusion_coefficient_cm2_s"] is not None for p in everything)
    x_key = "cumulative_capacity_mAh_g" if specific else "cumulative_capacity_mAh"
    d_key = "diffusion_coefficient_cm2_s" if absolute else "diffusion_rate_1_s"
    with figure_style():
        figure, axes = subplots(3, 1, figsize=(3.5, 5.2), sharex=True, layout="constrained")
        for name, part in result.directions.items():
            pulses, colour = part["pulses"], DIRECTION_COLOURS[name]
            x = column(pulses, x_key)
            axes[0].plot(x, column(pulses, "ocv_V"), "o-", ms=3, color=colour, label=name)
            if pulses and "ocv_band_V" in pulses[0]:
                ends = np.array([p["ocv_band_V"] or (np.nan, np.nan) for p in pulses]).T
                axes[0].fill_between(x, *ends, color=colour, alpha=0.18, lw=0)
            for plateau in part["ocv_plateaus_V"]:
                axes[0].axhline(plateau, color=colour, lw=0.6, ls=":")
            _polarisation(axes[1], x, pulses, colour, name == next(iter(result.directions)))
            axes[2].plot(x, column(pulses, d_key), "o", ms=3, color=colour)
        axes[0].set_ylabel("OCV [V]")
        axes[0].legend()
        axes[1].set_ylabel("Polarisation [mV]")
        axes[1].set_ylim(bottom=0)
        found = column(everything, d_key)
        if np.any(found > 0):
            # At least a decade, so that equal values do not look scattered.
            axes[2].set_yscale("log")
            axes[2].set_ylim(np.nanmin(found) / 3, np.nanmax(found) * 3)
        axes[2].set_ylabel(r"$D$ [cm$^2$ s$^{-1}$]" if absolute else r"$D/L^2$ [s$^{-1}$]")
        axes[2].set_xlabel("Capacity [mAh / g]" if specific else "Capacity [mAh]")
    return figure


def _polarisation(
    axes: Any, x: np.ndarray, pulses: Sequence[Mapping[str, Any]], colour: str, first: bool
) -> None:
    styles = (("overpotential_V", "-", "total"), ("ohmic_V", "--", "ohmic"),
              ("concentration_V", ":", "concentration"))  # fmt: skip
    for key, style, label in styles:
        axes.plot(
            x,
            column(pulses, key, 1e3),
            style,
            color=colour,
            label=label if first else None,
        )
    if first:
        axes.legend(
            ncols=3, loc="lower center", bbox_to_anchor=(0.5, 0.98), columnspacing=1
        )


def plot_dqdv(
    data: xr.Dataset,
    peaks: Sequence[Mapping[str, Any]] = (),
    smoothing: float = SMOOTHING,
) -> Any:
    """Differential capacity over the voltage, charge upwards and discharge downwards.

    Parameters
    ----------
    data : xarray.Dataset
        A time series.
    peaks : sequence of dict, optional
        Of the last half cycles, marked.
    smoothing : float, optional
        Standard deviation of the Gaussian [V].

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DataError
        If no current flows.

    Examples
    --------
    >>> from sscell.dataset import time_series
    >>> data = time_series({"Time [s]": [0, 3600], "Current [A]": [1.0, 1.0],
    ...                     "Voltage [V]": [2.0, 1.0]})
    >>> plot_dqdv(data).axes[0].get_xlabel()
    'Voltage [V]'
    """
    halves = half_cycles(data)
    if not halves:
        raise DataError("No current flows in this dataset: there is nothing to draw.")
    mass = metadata(data, "capacity_basis_mass_g")
    scale = 1e3 if mass is None else 1e3 / mass
    key = "height_mAh_V" if mass is None else "height_mAh_g_V"
    last = {p["direction"]: p["cycle"] for p in sorted(peaks, key=lambda p: p["cycle"])}
    with figure_style():
        figure, axes = subplots(figsize=(3.5, 2.8), layout="constrained")
        for number, half in enumerate(halves):
            voltage, curve = differential_capacity(half, smoothing)
            sign = 1 if half.direction == "charge" else -1
            axes.plot(
                voltage,
                sign * curve * scale,
                color=DIRECTION_COLOURS[half.direction],
                alpha=1.0 if number >= len(halves) - 2 else 0.3,
                lw=1.0,
            )
        for peak in peaks:
            if peak["cycle"] == last[peak["direction"]]:
                sign = 1 if peak["direction"] == "charge" else -1
                at = (peak["voltage_V"], sign * peak[key])
                axes.annotate(
                    f"{at[0]:.2f}", at, (0, 6 * sign), textcoords="offset points",
                    ha="center", va="bottom" if sign > 0 else "top", fontsize=6, rotation=90,
                )  # fmt: skip
        axes.axhline(0, color="0.7", lw=0.6, zorder=0)
        axes.margins(y=0.2)
        axes.set_xlabel("Voltage [V]")
        axes.set_ylabel("dQ/dV [mAh / V]" if mass is None else "dQ/dV [mAh / V / g]")
    return figure


def plot_cv(data: Sequence[xr.Dataset], result: Voltammetry) -> Any:
    """Voltammograms with their peaks, and the b-values beside them.

    Parameters
    ----------
    data : sequence of xarray.Dataset
        As they were analysed.
    result : Voltammetry
        From `sscell.analysis.cv`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sscell.analysis import cv
    >>> from sscell.dataset import time_series
    >>> t = np.linspace(0, 100, 101)
    >>> i = -np.exp(-((t - 50) / 10) ** 2)
    >>> one = time_series({"Time [s]": t, "Voltage [V]": 1 + t / 100, "Current [A]": i})
    >>> plot_cv([one], cv(one)).axes[0].get_xlabel()
    'Voltage [V]'
    """
    import matplotlib

    with figure_style():
        wide = bool(result.b_values)
        figure, axes = subplots(
            1, 2 if wide else 1, figsize=(6.9 if wide else 3.5, 2.8), squeeze=False,
            width_ratios=(1.4, 1) if wide else None, layout="constrained",
        )  # fmt: skip
        left = axes[0, 0]
        shades = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.85, len(data)))
        for one, shade in zip(data, shades, strict=True):
            parts = sweeps(one)
            label = f"{parts[-1].scan_rate * 1e3:.3g} mV/s"
            for part in parts:
                left.plot(
                    part.voltage, -part.current * 1e3, color=shade, lw=0.9, label=label
                )
                label = None
            _draw_swept(left, one, shade)
        for peak in result.peaks:
            left.plot(peak["voltage_V"], -peak["current_A"] * 1e3, "k.", ms=4)
        left.axhline(0, color="0.7", lw=0.6, zorder=0)
        left.set_xlabel("Voltage [V]")
        left.set_ylabel("Charging current [mA]")
        left.legend()
        if wide:
            _draw_b_values(axes[0, 1], result)
    return figure


def _draw_swept(axes: Any, data: xr.Dataset, shade: Any) -> None:
    """Band of the currents of a run with drawn values."""
    if "Current lower [A]" not in data:
        return
    steps = data["Step"].values
    for step in np.unique(steps):
        here = steps == step
        ends = (
            -data[f"Current {end} [A]"].values[here] * 1e3 for end in ("lower", "upper")
        )
        axes.fill_between(
            data["Voltage [V]"].values[here], *ends, color=shade, alpha=0.2, lw=0
        )


def _draw_b_values(axes: Any, result: Voltammetry) -> None:
    marks = iter("osD^vP*X" * len(result.b_values))
    for fit in result.b_values:
        v = np.array(fit.scan_rates_mV_s)
        i = np.abs(fit.currents_A) * 1e3
        colour = DIRECTION_COLOURS[fit.direction]
        line = np.array([v.min(), v.max()])
        level = np.exp(np.mean(np.log(i)) + fit.b * (np.log(line) - np.mean(np.log(v))))
        error = "" if fit.std_error is None else f" ± {fit.std_error:.2f}"
        axes.loglog(line, level, color=colour)
        axes.plot(
            v,
            i,
            next(marks),
            ms=4,
            color=colour,
            label=f"{fit.branch} {fit.voltage_V:.2f} V: b = {fit.b:.2f}{error}",
        )
    axes.set_xlabel("Scan rate [mV / s]")
    axes.set_ylabel("Peak current [mA]")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))


def plot_eis(result: Mapping[str, Any]) -> Any:
    """Nyquist plot and distribution of relaxation times.

    Parameters
    ----------
    result : dict
        From `sscell.analysis.eis`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from sscell.analysis import eis
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> len(plot_eis(eis(data)).axes)
    2
    """
    import matplotlib

    spectra = result["spectra"]
    distributions = result["drt"] if isinstance(result["drt"], list) else [result["drt"]]
    scaled = spectra[0]["real_ohm_cm2"] is not None
    unit = r"$\Omega$ cm$^2$" if scaled else r"$\Omega$"
    tail = "ohm_cm2" if scaled else "ohm"
    many = len(spectra) > FEW
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, len(spectra)))
    with figure_style():
        figure, (left, right) = subplots(1, 2, figsize=(6.9, 2.9), layout="constrained")
        for k, (one, distribution) in enumerate(zip(spectra, distributions, strict=True)):
            x, y = np.array(one[f"real_{tail}"]), -np.array(one[f"imaginary_{tail}"])
            factor = x[0] / one["real_ohm"][0] if scaled and one["real_ohm"][0] else 1.0
            colour = shades[k] if many else f"C{k}"
            style = {"ms": 1.6, "lw": 0.5} if many else {"ms": 2.5, "lw": 0}
            left.plot(x, y, "o-", color=colour, label=plain(one["state"]), **style)
            if scaled and "real_band_ohm_cm2" in one:
                _draw_ends(left, one, colour)
            if distribution is None:  # too few frequencies
                continue
            tau = np.array(distribution["tau_s"])
            gamma = np.array(distribution["gamma_ohm"]) * factor
            right.semilogx(tau, gamma, color=colour, lw=0.8 if many else 1.4)
            if not many:
                right.fill_between(tau, gamma, color=colour, alpha=0.15, lw=0)
        left.set_aspect("equal", adjustable="datalim")
        left.plot(0, 0, alpha=0)
        left.set_xlabel(f"Re Z [{unit}]")
        left.set_ylabel(f"-Im Z [{unit}]")
        if many:
            _scale_of_states(figure, right, [one["state"] for one in spectra], shades)
        elif len(spectra) > 1:
            left.legend(title="state")
        right.set_xlabel(r"Relaxation time $\tau$ [s]")
        right.set_ylabel(rf"$\gamma(\ln\tau)$ [{unit}]")
        right.set_ylim(bottom=0)
    return figure


def _draw_ends(axes: Any, spectrum: Mapping[str, Any], colour: Any) -> None:
    """Boxes from low to high of both parts, which merge into a band."""
    real, imaginary = (
        np.array(spectrum[f"{part}_band_ohm_cm2"], dtype=float)
        for part in ("real", "imaginary")
    )
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    # One path for all: where boxes lie over one another, the shade is the same.
    corners = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    points, codes = [], []
    for (x0, x1), (y1, y0) in zip(real.T, -imaginary.T, strict=True):
        points += [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        codes += corners
    axes.add_patch(PathPatch(Path(points, codes), color=colour, alpha=0.15, lw=0))


def _scale_of_states(
    figure: Any, axes: Any, states: Sequence[str | None], shades: np.ndarray
) -> None:
    """Colour bar with a box a spectrum, of which at most eight are named."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    number = len(states)
    norm = BoundaryNorm(np.arange(number + 1) - 0.5, number)
    mappable = ScalarMappable(norm, ListedColormap(shades))
    ticks = np.unique(np.linspace(0, number - 1, min(number, 8)).round().astype(int))
    bar = figure.colorbar(mappable, ax=axes, ticks=ticks, label="state", pad=0.02)
    bar.ax.set_yticklabels([str(states[k]) for k in ticks])
    bar.ax.minorticks_off()
