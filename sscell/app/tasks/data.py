"""Measured files: what they were recognised as, and what is taken of them."""

from __future__ import annotations

import warnings
from typing import Any

from sscell.app.recipes import Measured
from sscell.app.worker import Work

__all__ = ["MOST_ROWS", "converted", "facts", "read_chosen"]

MOST_ROWS = 3_000_000


def read_chosen(path: str, measured: Measured) -> Any:
    """Read a file, and take the part that is meant.

    Parameters
    ----------
    path : str
        Where it is.
    measured : Measured
        Its name, and what is taken.

    Returns
    -------
    xarray.Dataset
    """
    import sscell

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = sscell.read(path, name=measured.file, max_rows=MOST_ROWS, **measured.reading)
    return sscell.select(data, **measured.choosing) if measured.choosing else data


def facts(work: Work, path: str, measured: Measured) -> dict[str, Any]:
    """What a file is.

    Parameters
    ----------
    work : Work
        Not told of anything.
    path : str
        Where it is.
    measured : Measured
        Its name, and what is taken.

    Returns
    -------
    dict
        ``recognised``, ``warnings``, ``rows``, ``kind``, ``hours``, ``cycles``,
        ``temperature_C``, ``mass_g``, ``figure`` and ``cycle_table``.
    """
    from sscell.app.tasks.compare import one_figure
    from sscell.dataset import metadata, temperatures

    data = read_chosen(path, measured)
    spectral = "frequency" in data.dims
    known = temperatures(data)
    told: dict[str, Any] = {
        "recognised": metadata(data, "recognised"),
        "warnings": metadata(data, "warnings") or [],
        "kind": "impedance" if spectral else "time series",
        "rows": int(data.sizes["frequency" if spectral else "time"]),
        "temperature_C": round(known[0], 2) if known else None,
        "mass_g": metadata(data, "capacity_basis_mass_g"),
        "figure": one_figure({"": data}, "Impedance" if spectral else "Time"),
        "halves": [],
    }
    if not spectral:
        told |= _halves(data)
    return told


def _halves(data: Any) -> dict[str, Any]:
    from sscell.analysis.summary import summary

    time = data["Time [s]"].values
    steps = summary(data)["steps"]
    mass = data.attrs.get("capacity_basis_mass_g")
    rows = []
    for step in steps:
        specific, mean = step["capacity_mAh_g"], step["mean_voltage_V"]
        rows.append(
            {
                "cycle": step["cycle"],
                "direction": step["direction"],
                "capacity": None if specific is None else round(specific, 2),
                "mean": None if mean is None else round(mean, 4),
            }
        )
    return {
        "hours": float(time[-1] - time[0]) / 3600,
        "cycles": sorted({row["cycle"] for row in rows}),
        "halves": rows[:400],
        "specific": mass is not None,
    }


def converted(work: Work, file: str, wanted: str) -> bytes:
    """A run in another format.

    Parameters
    ----------
    work : Work
        Not told of anything.
    file : str
        Where the data are.
    wanted : str
        Name of a file, whose ending says the format.

    Returns
    -------
    bytes
    """
    import tempfile
    from pathlib import Path

    from sscell.dataset import load_dataset, save_dataset
    from sscell.readers import write_bdf

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, wanted)
        data = load_dataset(Path(file))
        if wanted.endswith(".bdf.csv"):
            write_bdf(data, target)
        else:
            save_dataset(data, target)
        return target.read_bytes()
