"""Options that choose a part of measured data, the same in every command."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Cycles", "Drop", "Frequencies", "Half", "Window"]

Cycles = Annotated[
    str | None,
    typer.Option(help="As the file counts them, else from 1: '4-7' or '1,3-5'."),
]
Half = Annotated[str | None, typer.Option(help="discharge or charge.")]
Window = Annotated[
    str | None, typer.Option(help="Voltages between which rows are kept: '3.3V,4.3V'.")
]
Frequencies = Annotated[
    str | None, typer.Option(help="Between which points are kept: '1MHz,0.1Hz'.")
]
Drop = Annotated[
    str | None,
    typer.Option(help="Cycles, or points of a spectrum from 1, to leave out: '12,13'."),
]
