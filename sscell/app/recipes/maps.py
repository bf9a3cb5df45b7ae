"""Maps over conditions, and energies of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sscell.app.recipes.words import FormField, called, shell

__all__ = ["AXES", "DESIGN", "Design", "Sweep"]

AXES: Mapping[str, FormField] = {
    "temperature": FormField("temperature", "Temperature [°C]", "-T", "25,60,90"),
    "pressure": FormField("pressure", "Stack pressure [MPa]", "--pressure", "5,20,80"),
    "rate": FormField("rate", "Rate", "-C", "C/20,C/10,C/5"),
}


@dataclass(frozen=True)
class Sweep:
    """A map that was asked for.

    Parameters
    ----------
    cell : str
        A published cell, or the name of a TOML file.
    axes : mapping of str to str
        Values, as typed, by axis: one of `AXES`, or a parameter.
    mode : str, optional
        ``"discharge"``, ``"charge"`` or ``"cycle"``.

    Examples
    --------
    >>> sweep = Sweep("Song2024", {"pressure": "20,50", "rate": "0.1C,1C"})
    >>> sweep.command()
    'sscell sweep Song2024 --pressure 20,50 -C 0.1C,1C --mode discharge'
    """

    cell: str
    axes: Mapping[str, str]
    mode: str = "discharge"

    def values(self) -> dict[str, list[Any]]:
        """Axes with their values, as `sscell.sweep` takes them.

        Returns
        -------
        dict

        Raises
        ------
        ParameterError
            If a value is no number.
        """
        from sscell.errors import ParameterError
        from sscell.units import split_list

        found: dict[str, list[Any]] = {}
        for name, text in self.axes.items():
            parts = split_list(text)
            if not parts:
                raise ParameterError(f"Give at least one value of {name}.")
            try:
                found[name] = parts if name == "rate" else [float(p) for p in parts]
            except ValueError:
                raise ParameterError(
                    f"The values of {name} must be numbers, not '{text}'."
                ) from None
        return found

    def command(self) -> str:
        """The command that does the same."""
        words = ["sscell", "sweep", self.cell]
        for name, text in self.axes.items():
            own = AXES.get(name)
            words += [own.flag, text] if own else ["--over", f"{name}={text}"]
        return shell([*words, "--mode", self.mode])

    def python(self) -> str:
        """The Python lines that do the same."""
        return "\n".join(
            [
                "import sscell",
                "",
                f"axes = {self.values()!r}",
                f"grid = sscell.sweep({self.cell!r}, axes, sscell.protocols.{self.mode}())",
                'print(grid.drop_dims("phase").to_dataframe())',
            ]
        )


DESIGN = (
    FormField("thickness", "Cathode thickness", "--thickness", "20um:200um",
              "20um:200um (eight points) or 30um,60um"),
    FormField("separator_thickness", "Separator thickness", "--separator-thickness", "",
              "empty: as it is; or 20um,500um"),
    FormField("rates", "Rates", "--rates", "C/10,1C", kind="list"),
    FormField("temperature", "Temperature [°C]", "-T", "", "empty: the cell's own"),
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """Energies of a stack that were asked for.

    Parameters
    ----------
    cell : str
        A published cell, or the name of a TOML file.
    options : mapping of str to str
        By names of `DESIGN`, as typed; empty ones are left out.

    Examples
    --------
    >>> Design("Ji2024", {"thickness": "20um,60um", "rates": "C/20"}).command()
    'sscell design Ji2024 --thickness 20um,60um --rates C/20'
    """

    cell: str
    options: Mapping[str, str]

    def _given(self) -> list[tuple[FormField, str]]:
        pairs = [(f, str(self.options.get(f.name) or "").strip()) for f in DESIGN]
        return [(f, text) for f, text in pairs if text]

    def arguments(self) -> dict[str, Any]:
        """Arguments of `sscell.sweeps.cell_level.design` beside the cell."""
        return {f.name: f.value(text) for f, text in self._given()}

    def command(self) -> str:
        """The command that does the same."""
        words = ["sscell", "design", self.cell]
        for f, text in self._given():
            words += [f.flag, text]
        return shell(words)

    def python(self) -> str:
        """The Python lines that do the same."""
        call = called(f"design({self.cell!r}", self.arguments())
        lines = ["from sscell.sweeps.cell_level import design", "", f"result = {call}"]
        return "\n".join([*lines, 'for row in result["best"]:', "    print(row)"])
