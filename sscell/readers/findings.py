"""What a comparison of a reading with the rest of its file found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sscell.errors import DataError
from sscell.readers.columns import Column
from sscell.readers.convert import column_values
from sscell.readers.text import Table

__all__ = ["Findings", "factor_words", "other_column"]

_FACTORS = (1000.0, 3600.0, 60.0, 24.0, 10.0)


@dataclass
class Findings:
    """What the comparison found.

    Parameters
    ----------
    warnings : list of str
        One sentence with both figures for each disagreement.
    agreement : dict of str to (float or None)
        What agrees, and how well at worst [%]; None for clocks.
    """

    warnings: list[str] = field(default_factory=list)
    agreement: dict[str, float | None] = field(default_factory=dict)

    def agree(self, what: str, miss: float | None = None) -> None:
        """Note an agreement; the worst of several counts.

        Parameters
        ----------
        what : str
            In words.
        miss : float, optional
            How far it is off [-].
        """
        percent = None if miss is None else max(100 * abs(miss), 0.1)
        before = self.agreement.get(what)
        self.agreement[what] = percent if before is None else max(before, percent or 0.0)

    @property
    def agrees(self) -> list[str]:
        """In words: ``"mAh column agrees to 0.1 %"``."""
        return [
            what if percent is None else f"{what} to {percent:.1g} %"
            for what, percent in self.agreement.items()
        ]


def factor_words(ratio: float) -> str:
    """How far two figures are apart, in words.

    Parameters
    ----------
    ratio : float
        One over the other [-].

    Returns
    -------
    str

    Examples
    --------
    >>> factor_words(1e-3), factor_words(1.5)
    ('a factor of 1000 apart', 'a factor of 1.5 apart')
    """
    for factor in _FACTORS:
        for value in (factor, 1 / factor):
            if abs(ratio / value - 1) < 0.05:
                return f"a factor of {factor:g} apart"
    return f"a factor of {max(ratio, 1 / ratio):.3g} apart"


def other_column(
    table: Table,
    column: Column,
    key: str,
    rows: np.ndarray,
    scale: Mapping[str, float | None],
) -> np.ndarray | None:
    """A column that only checks, or None where it says nothing.

    Parameters
    ----------
    table : Table
        As read.
    column : Column
        Where it stands.
    key : str
        Which quantity.
    rows : numpy.ndarray of int
        Rows of the table that are kept.
    scale : mapping
        ``area`` [cm2] and ``mass`` [g], or None.

    Returns
    -------
    numpy.ndarray or None
    """
    try:
        values = column_values(table, key, column, [], scale)[rows]
    except DataError:
        return None
    if np.isfinite(values).mean() < 0.9 or not np.any(np.nan_to_num(values)):
        return None
    if not np.isfinite(values).all():
        good = np.flatnonzero(np.isfinite(values))
        values = np.interp(np.arange(len(values)), good, values[good])
    return values
