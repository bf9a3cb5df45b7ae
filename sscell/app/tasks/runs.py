"""Simulations, with their live curve and their figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sscell.app.recipes import KINDS, Run
from sscell.app.worker import Work
from sscell.errors import SimulationError

__all__ = ["figures", "simulate"]


def simulate(work: Work, run: Run, cell: str, file: str) -> dict[str, Any]:
    """Run a protocol; what was computed before an end by force is kept.

    Parameters
    ----------
    work : Work
        Hears of progress.
    run : Run
        What was asked for.
    cell : str
        Where the cell is: a name or a path.
    file : str
        Where the data go: a ``.nc`` file.

    Returns
    -------
    dict
        ``file``, ``summary``, ``views`` and perhaps a ``note``.
    """
    import sscell
    from sscell import protocols
    from sscell.dataset import save_dataset
    from sscell.simulation.engine import Resolution

    kind = KINDS[run.kind]
    protocol = getattr(protocols, kind.function)(**run.protocol_arguments())
    note = ""
    try:
        data = sscell.simulate(
            cell,
            protocol,
            resolution=Resolution(shells=kind.shells),
            progress=lambda event: _tell(work, event),
            cancel=work.cancel,
            **run.arguments(),
        )
    except SimulationError as error:
        if error.partial is None:
            raise
        data, note = error.partial, " ".join(str(error).split())
    save_dataset(data, Path(file))
    return {"file": file, **_conclusion(data, run.kind), "note": note}


def _tell(work: Work, event: Any) -> None:
    said = ""
    if not math.isnan(event.voltage):
        said = f"{event.time / 3600:.4g} h, {event.voltage:.3f} V"
    text = ", ".join(part for part in (event.text, said) if part)
    if event.preparing:
        work.tell(share=event.share, text=f"preparing: {text}")
        return
    work.tell(share=event.share, text=text, curve=event.curve)


def _conclusion(data: Any, kind: str) -> dict[str, Any]:
    from sscell.analysis.summary import summary

    plain = data.drop_dims("frequency") if "frequency" in data.dims else data
    found = summary(plain)
    return {"summary": dict(found), "views": _views(data, kind)}


def _views(data: Any, kind: str) -> list[str]:
    """Figures that these data have."""
    from sscell.dataset import metadata

    views = ["Voltage", "Time", "dQ/dV"]
    if kind == "gitt":
        views.insert(0, "Titration")
    if "frequency" in data.dims:
        views.insert(0, "Impedance")
    if kind in ("cv", "step"):
        views.insert(0, "Current")
    if metadata(data, "phases"):
        views.append("Phases")
    if metadata(data, "budget"):
        views.append("Losses")
    return views


def figures(work: Work, file: str, view: str) -> dict[str, Any]:
    """One figure of a run that was kept.

    Parameters
    ----------
    work : Work
        Not told of anything.
    file : str
        Where the data are.
    view : str
        Which figure, as `simulate` names them.

    Returns
    -------
    dict
        A figure of Plotly.
    """
    from sscell.app.tasks.compare import one_figure
    from sscell.dataset import load_dataset

    return one_figure({"": load_dataset(Path(file))}, view)
