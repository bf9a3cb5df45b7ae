"""Measured files beside the runs of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sscell.cli.common import RunOptions, typed_command
from sscell.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from sscell.analysis.comparison import Comparison
    from sscell.readers import Choice

__all__ = ["Beside", "write_figures"]


@dataclass(frozen=True, eq=False)
class Beside:
    """Files of ``--compare``, read before anything is computed.

    Parameters
    ----------
    files : dict of str to xarray.Dataset
        By name.
    choice : Choice or None
        What of them is meant.
    """

    files: dict[str, xr.Dataset]
    choice: Choice | None

    @classmethod
    def read(cls, options: RunOptions, spectra: bool = False) -> Beside:
        """Read what a command is given to compare with.

        Parameters
        ----------
        options : RunOptions
            Of the command.
        spectra : bool, optional
            Whether its run gives spectra, not a time series.

        Returns
        -------
        Beside

        Raises
        ------
        ParameterError
            If a file holds the other kind, or nothing that was chosen.
        DataError
            If one cannot be read.
        """
        from sscell.cli.output import read_file

        choice, files = options.choice(), {}
        for path in options.compare or []:
            data = read_file(path, None, kind="spectra" if spectra else None)
            if spectra != ("frequency" in data.dims):
                held, given = "a time series", "spectra"
                if not spectra:
                    held, given = given, held
                raise ParameterError(
                    f"'{path.name}' holds {held}, this command gives {given}."
                )
            if choice is not None:
                kept = choice.apply(data)  # refuses what is not there before the run
                data = kept if spectra else data
            files[path.name if path.name not in files else str(path)] = data
        return cls(files, choice)

    def against(self, run: xr.Dataset, controlled: str = "current") -> list[Comparison]:
        """Hold the run against them.

        Parameters
        ----------
        run : xarray.Dataset
            Time series [s, A, V] or spectra [Hz, Ohm].
        controlled : str, optional
            ``"voltage"`` where the currents are compared.

        Returns
        -------
        list of Comparison
        """
        from sscell.analysis.comparison import compare

        found = []
        for name, measured in self.files.items():
            window = chosen = None
            if self.choice is not None and "frequency" not in measured.dims:
                window, chosen = self.choice.window, self.choice.rows(measured)
            found.append(
                compare(
                    run,
                    measured,
                    file=name,
                    chosen=chosen,
                    window=window,
                    controlled=controlled,
                )
            )
        return found


def write_figures(
    options: RunOptions,
    data: xr.Dataset,
    payload: Mapping[str, Any],
    beside: Sequence[Comparison],
    own: Mapping[str, Callable[[], Any]],
    cell: str,
    protocol: str,
) -> None:
    """Write the figure and the page that a command was asked for.

    Parameters
    ----------
    options : RunOptions
        Of the command.
    data : xarray.Dataset
        Of the run.
    payload : mapping
        What goes into the JSON.
    beside : sequence of Comparison
        From `Beside.against`; their figure stands before the command's own.
    own : mapping of str to callable
        Draws the figure of the run, by its caption.
    cell : str
        As typed.
    protocol : str
        Which one ran, as the text output says it.
    """
    figures = dict(own)
    if beside:
        from sscell.plots.comparison import plot_comparison

        figures = {"Beside the measured files": lambda: plot_comparison(beside)} | figures
    if options.plot is not None:
        from sscell.plots.style import save_figure

        save_figure(next(iter(figures.values()))(), options.plot)
    if options.report is not None:
        from sscell.reports import write_run_report

        write_run_report(
            data,
            options.report,
            payload,
            {caption: draw() for caption, draw in figures.items()},
            cell,
            typed_command(),
            protocol.removeprefix("protocol: "),
        )
