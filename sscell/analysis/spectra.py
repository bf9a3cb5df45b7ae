"""Spectra: one at a time, where their tail begins, and whether they are valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from sscell.dataset import require
from sscell.errors import ParameterError

__all__ = [
    "KramersKronig",
    "inductive_begin",
    "kramers_kronig",
    "one_spectrum",
    "tail_begin",
]

MU = 0.85  # below it a chain of RC elements fits noise
TOLERATED = 0.05  # share of the points that may miss by more


def one_spectrum(
    data: xr.Dataset, state: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and complex impedance of one spectrum, from fast to slow.

    Parameters
    ----------
    data : xarray.Dataset
        Of one or several states.
    state : int, optional
        Which, where there are several.

    Returns
    -------
    tuple of numpy.ndarray
        Frequency [Hz], descending, and impedance [Ohm].

    Raises
    ------
    ParameterError
        If there are several states and none is chosen.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> data = spectrum({"Frequency [Hz]": [1.0, 10.0], "Z real [Ohm]": [5.0, 4.0],
    ...                  "Z imaginary [Ohm]": [-1.0, -0.5]})
    >>> one_spectrum(data)[1][0]
    np.complex128(4-0.5j)
    """
    require(data, "Frequency [Hz]", "Z real [Ohm]", "Z imaginary [Ohm]")
    if "state" in data.dims:
        if state is None and data.sizes["state"] > 1:
            raise ParameterError(
                f"The data hold {data.sizes['state']} spectra: choose one with "
                "data.isel(state=0)."
            )
        data = data.isel(state=state or 0)
    f = np.asarray(data["Frequency [Hz]"].values, dtype=float)
    z = data["Z real [Ohm]"].values + 1j * data["Z imaginary [Ohm]"].values
    known = np.isfinite(f) & np.isfinite(z)  # sweeps of a series may lack a frequency
    f, z = f[known], z[known]
    order = np.argsort(-f, kind="stable")
    return f[order], z[order]


def inductive_begin(f: np.ndarray, z: np.ndarray) -> float:
    """Frequency below which a spectrum turns inductive, though it was capacitive above.

    Parameters
    ----------
    f : numpy.ndarray, shape (n,)
        [Hz], descending.
    z : numpy.ndarray of complex, shape (n,)
        [Ohm].

    Returns
    -------
    float
        [Hz]; 0 where the slow end is not inductive over three frequencies.

    Examples
    --------
    >>> f = np.logspace(4, -2, 61)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-2) - 9 / (1 + 2j * np.pi * f * 5)
    >>> 0.01 < inductive_begin(f, z) < 1
    True
    """
    capacitive = np.flatnonzero(np.imag(z) <= 0)
    if not len(capacitive) or len(f) - 1 - capacitive[-1] < 3:
        return 0.0
    slow = z[capacitive[-1] + 1 :]
    # More than noise about the real axis.
    return (
        float(f[capacitive[-1] + 1]) if np.imag(slow).max() > 0.01 * abs(slow[-1]) else 0.0
    )


def tail_begin(f: np.ndarray, z: np.ndarray) -> float:
    """Frequency below which -Im Z only grows: blocking or diffusion.

    Parameters
    ----------
    f : numpy.ndarray, shape (n,)
        [Hz], descending.
    z : numpy.ndarray of complex, shape (n,)
        [Ohm].

    Returns
    -------
    float
        [Hz]; 0 where there is no such tail.

    Examples
    --------
    >>> f = np.logspace(4, -2, 61)
    >>> z = 10 / (1 + 2j * np.pi * f * 1e-2) + 1 / (2j * np.pi * f * 0.1)
    >>> 0.1 < tail_begin(f, z) < 10
    True
    """
    rise = -np.imag(z)
    if len(f) > 4:
        rise = np.concatenate(
            [rise[:1], np.median([rise[:-2], rise[1:-1], rise[2:]], 0), rise[-1:]]
        )
    falls = np.flatnonzero(np.diff(rise) <= 0)
    begin = int(falls[-1]) + 1 if len(falls) else _last_shoulder(f, rise)
    grown = rise[-1] > 1.5 * max(rise[begin], 0)
    return float(f[begin]) if len(f) - begin > 3 and grown else 0.0


def _last_shoulder(f: np.ndarray, rise: np.ndarray) -> int:
    """Row after which -Im Z, which grows throughout, has the slope of its tail.

    An arc before a steep tail is no maximum, but a shoulder.
    """
    if len(f) < 8 or not np.all(rise > 0):
        return 0
    slope = -np.gradient(np.log(rise), np.log(f))
    flat = np.flatnonzero(slope < 0.5 * np.median(slope[-4:]))
    return int(flat[-1]) + 1 if len(flat) else 0


@dataclass(frozen=True)
class KramersKronig:
    """Outcome of the linear Kramers-Kronig test.

    Parameters
    ----------
    valid : bool
        Whether all residuals but 5 % stay below the limit.
    max_residual, rms_residual : float
        Of real and imaginary part, over ``|Z|`` [-].
    elements : int
        RC elements of the test circuit.
    mu : float
        One less the ratio of negative to positive resistances [-].
    residuals : numpy.ndarray
        Shape (2, n): real and imaginary over ``|Z|``, in the order of `frequency`.
    frequency : numpy.ndarray
        [Hz], descending.
    warnings : list of str
        Where it fails.
    """

    valid: bool
    max_residual: float
    rms_residual: float
    elements: int
    mu: float
    residuals: np.ndarray = field(repr=False)
    frequency: np.ndarray = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        keys = ("valid", "max_residual", "rms_residual", "elements", "mu")
        return {k: getattr(self, k) for k in keys}


def kramers_kronig(data: xr.Dataset, *, limit: float = 0.01) -> KramersKronig:
    """Check that a spectrum is linear, causal and stable.

    Parameters
    ----------
    data : xarray.Dataset
        One spectrum.
    limit : float, optional
        Largest residual over ``|Z|`` [-] that passes.

    Returns
    -------
    KramersKronig
        Residuals against a chain of RC elements with a series capacitor.

    Notes
    -----
    Residuals ``(Z - Z_fit)/|Z|`` of ``Z_fit = R + sum_k R_k/(1 + i w tau_k)`` with a
    serial capacitance and inductance. Any such chain obeys the Kramers-Kronig relations.
    Elements are added until mu, one less the ratio of negative to positive resistances,
    falls below 0.85 and stays there: more would fit the noise, or a drift. (Where too few
    time constants miss those of an ideal arc mu falls as well, but so would the residual:
    more than twice the best with up to half as many elements as frequencies does not
    count.) A loop of inductance at the slow end has negative resistances of its own; mu
    leaves them out.
    Where mu never falls, the number is the smallest that comes within 10 % of that best
    residual.

    Source: Schoenleber et al., Electrochim. Acta 131 (2014) 20,
    doi:10.1016/j.electacta.2014.01.034.

    Examples
    --------
    >>> from sscell.dataset import spectrum
    >>> f = np.logspace(5, 0, 40)
    >>> z = 10 + 50 / (1 + 2j * np.pi * f * 1e-3)
    >>> data = spectrum({"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag})
    >>> kramers_kronig(data).valid
    True
    """
    f, z = one_spectrum(data)
    fitted, elements, mu = _choose_chain(f, z)
    miss = (z - fitted) / np.abs(z)
    residuals = np.array([miss.real, miss.imag])
    size = np.abs(residuals).max(axis=0)
    share = float(np.mean(size > limit))
    notes = []
    if share > TOLERATED:
        notes.append(_validity_note(f, miss, size, share, limit))
    rms = float(np.sqrt(np.mean(residuals**2)))
    return KramersKronig(
        share <= TOLERATED, float(size.max()), rms, elements, mu, residuals, f, notes
    )


def _choose_chain(f: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, int, float]:
    """Fitted impedance, number of elements and mu of the chain that fits no noise."""
    slowest = inductive_begin(f, z)
    longest = 1 / (2 * np.pi * slowest) if slowest else np.inf
    half = max(len(f) // 2, 4)
    chains = []
    for elements in range(3, max(len(f) - 3, 5)):
        tau, resistances, fitted = _chain(f, z, elements)
        counted = resistances[tau <= longest]
        negative = -counted[counted < 0].sum()
        positive = resistances[resistances >= 0].sum()
        mu = float(1 - negative / positive) if positive > 0 else 0.0
        miss = float(np.sqrt(np.mean(np.abs((z - fitted) / z) ** 2)))
        chains.append((miss, fitted, elements, mu))
    best = min(c[0] for c in chains if c[2] < half)
    for chain, *after in zip(chains, chains[1:], chains[2:], strict=False):
        falls = all(c[3] < MU for c in (chain, *after))
        if falls and chain[0] < 2 * best + 1e-6:
            return chain[1:]
    return next(c[1:] for c in chains if c[0] <= 1.1 * best + 1e-6)


def _validity_note(
    f: np.ndarray, miss: np.ndarray, size: np.ndarray, share: float, limit: float
) -> str:
    """What the residuals say: neighbours that miss alike are a drift, others noise."""
    alike = np.sum(miss[1:] * miss[:-1].conj()).real / np.sum(np.abs(miss) ** 2)
    cause = (
        "neighbours miss alike: the cell drifted or was not linear during the sweep"
        if alike > 0.3
        else "the spectrum is noisy"
    )
    return (
        f"Kramers-Kronig: {share:.0%} of the points miss by more than {limit:.0%} of |Z| "
        f"(worst {size.max():.1%} at {f[int(np.argmax(size))]:.3g} Hz); {cause}."
    )


def _chain(
    f: np.ndarray, z: np.ndarray, elements: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times [s], resistances [Ohm] and impedance of an RC chain fitted to a spectrum."""
    omega = 2 * np.pi * f
    tau = np.geomspace(1 / omega.max(), 1 / omega.min(), elements)
    columns = np.column_stack(
        [
            1 / (1 + 1j * omega[:, None] * tau),
            np.ones_like(omega),
            1j * omega / omega.max(),
            omega.min() / (1j * omega),
        ]
    )
    weighted = columns / np.abs(z)[:, None]
    target = z / np.abs(z)
    x = np.linalg.lstsq(
        np.vstack([weighted.real, weighted.imag]),
        np.concatenate([target.real, target.imag]),
        rcond=None,
    )[0]
    return tau, x[:elements], columns @ x
