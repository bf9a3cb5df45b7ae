"""Commands about materials: their cards, and an OCV from a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sscell.cli.common import JsonFlag, PlotFile
from sscell.cli.curves import curve_of
from sscell.cli.output import print_json, read_file
from sscell.errors import ParameterError

if TYPE_CHECKING:
    from sscell.analysis.open_circuit import OpenCircuit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("materials")(materials_command)
    app.command("ocv")(ocv_command)


def materials_command(
    name: Annotated[
        str | None, typer.Argument(help="A material; default: all of them.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="active, electrolyte, anode, conductor or coating."),
    ] = None,
    from_bpx: Annotated[
        Path | None,
        typer.Option("--from-bpx", help="Make a card from a BPX file; it goes with -o."),
    ] = None,
    electrode: Annotated[
        str, typer.Option(help="Of the BPX file: positive or negative.")
    ] = "positive",
    blend: Annotated[
        str | None, typer.Option(help="Which material of a blended electrode.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="Card that gives what BPX does not know.")
    ] = None,
    density: Annotated[
        str | None, typer.Option(help="Of the active material, such as 4.75g/cm3.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The card, a .toml file.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option(help="Print where potentials and conductivities come from.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the materials, or explain one: every value with its kind and source."""
    if from_bpx is not None:
        if output is None or name is not None:
            raise ParameterError("--from-bpx makes a card: give -o card.toml and no name.")
        from sscell.interchange.bpx import material_from_bpx

        card = material_from_bpx(
            from_bpx, output, electrode, material=blend, like=like, density=density
        )
        if as_json:
            print_json({"materials": [card.as_dict()]})
        else:
            _explain(card)
        return
    if output is not None:
        raise ParameterError("-o goes with --from-bpx.")
    from sscell.cells.materials import KINDS, load_material, material_names
    from sscell.errors import did_you_mean

    if kind is not None and kind not in KINDS:
        raise ParameterError(
            f"There is no kind '{kind}' of material; allowed: {', '.join(KINDS)}. "
            f"{did_you_mean(kind, KINDS)}".rstrip()
        )
    names = [name] if name is not None else list(material_names())
    cards = [load_material(n) for n in names]
    cards = [c for c in cards if kind is None or kind in c.serves]
    if as_json:
        print_json({"materials": [card.as_dict() for card in cards]})
        return
    if markdown:
        from sscell.cells.materials import sources_table

        print(sources_table(cards))
        return
    if name is not None:
        _explain(cards[0])
        return
    width = max((len(card.name) for card in cards), default=0)
    for card in sorted(cards, key=lambda c: (KINDS.index(c.kind), c.name.lower())):
        print(f"{card.name:<{width}}  {'/'.join(card.serves):<16}  {card.card.title}")


def _explain(material: Any) -> None:
    from sscell.cli.cells import print_parameters

    card = material.card
    print(f"{card.name}: {card.title}")
    if card.host is not None:
        host = card.host
        print(
            f"  {host.guest_per_host:g} {host.guest} per {host.host}, {host.as_made} as made"
        )
    if card.ocv is not None and card.ocv.source:
        print(f"  open-circuit potential: {card.ocv.source}")
    if card.notes:
        print(f"  {card.notes.strip()}")
    print_parameters([p.as_dict() for p in material.values.values()])


def ocv_command(
    files: Annotated[
        list[Path], typer.Argument(help="Slow cycles, or a table of x and U.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The card, a .toml file.")],
    mass: Annotated[str, typer.Option(help="Of the active material, such as 2mg.")],
    against: Annotated[
        str | None,
        typer.Option(help="What was measured against: Li, Na, Li-In, Na15Sn4, LTO."),
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="Part of the voltage to use, such as 2.5V,4.3V.")
    ] = None,
    half: Annotated[str, typer.Option(help="both, discharge or charge.")] = "both",
    sites: Annotated[
        str | None, typer.Option(help="auto or a number: sites instead of a table.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="Card that gives what was not measured here.")
    ] = None,
    capacity: Annotated[
        str | None,
        typer.Option(help="Of an x,U table, between x = 0 and 1: 274mAh/g; or --like."),
    ] = None,
    current: Annotated[
        str | None, typer.Option(help="Of a curve without time, such as 0.05mA.")
    ] = None,
    current_sign: Annotated[
        str | None, typer.Option(help="What a positive current does: charge or discharge.")
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option(help="Which header is what, as for analyse.")
    ] = None,
    plot: PlotFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a material card from a measured open-circuit voltage."""
    from sscell.analysis.open_circuit import open_circuit, open_circuit_of_points
    from sscell.cells.cards import Measured, write_card
    from sscell.cells.materials import load_material
    from sscell.readers.selection import Choice
    from sscell.units import parse_quantity

    if output.suffix.lower() != ".toml" or not output.parent.is_dir():
        raise ParameterError(f"'{output}' must be a .toml file in a folder that exists.")
    grams = parse_quantity(mass, "kg", "mass") * 1e3
    if grams <= 0:
        raise ParameterError(f"The mass must be positive, not {mass}.")
    points = _points(files, grams, current, _per_filling(capacity, like))
    if points is not None:
        reference = against
        found = open_circuit_of_points(*points)
    else:
        options: dict[str, Any] = {}
        if current_sign is not None:
            options["current_sign"] = current_sign
        data = [read_file(path, columns, **options) for path in files]
        reference = against or _reference(data)
        found = open_circuit(data, half, Choice(window=window).window)
    if reference is None:
        raise ParameterError(
            "What the voltage was measured against is not in the file: give --against, such "
            "as Li, Na, Li-In, Na15Sn4 or LTO."
        )
    anode = load_material(reference, "anode")
    offset = _potential_of(anode)
    low, high = (v + offset for v in found.window)
    measured, misfit = _measured(
        found, offset, (low, high), output.stem, _guest(anode.name), grams, sites, files
    )
    card = write_card(Measured(**measured), output, like)
    told = {
        "material": card.name,
        "file": str(output),
        "capacity_mAh_g": measured["capacity"],
        "points": len(found.filling),
        "rms_mV": 1e3 * (found.rms if misfit is None else misfit),
        "hysteresis_mV": None if found.hysteresis is None else 1e3 * found.hysteresis,
        "coulombic_efficiency": found.returned,
        "sites": len(measured["sites"]) or None,
    }
    if plot is not None:
        from sscell.plots.materials import plot_open_circuit
        from sscell.plots.style import save_figure

        save_figure(plot_open_circuit(found, offset, _guest(anode.name)), plot)
    if as_json:
        print_json(told)
        return
    _tell(told, offset, anode.name)


def _tell(told: dict[str, Any], offset: float, anode: str) -> None:
    print(
        f"{told['material']}: {told['capacity_mAh_g']:.4g} mAh/g, {told['points']} points, "
        f"{told['rms_mV']:.2g} mV rms about them"
    )
    if offset:
        print(f"  potentials raised by {offset:g} V: measured against {anode}")
    if told["hysteresis_mV"] is not None:
        print(f"  charge lies {told['hysteresis_mV']:.3g} mV above discharge on average")
    if told["coulombic_efficiency"] is not None:
        print(
            f"  discharge returned {100 * told['coulombic_efficiency']:.4g} % of the charge"
        )
    print(
        f"Written to {told['file']}. Next: sscell new mycell.toml --cathode {told['file']}:70"
    )


def _measured(
    found: OpenCircuit,
    offset: float,
    window: tuple[float, float],
    name: str,
    guest: str,
    grams: float,
    sites: str | None,
    files: list[Path],
) -> tuple[dict[str, Any], float | None]:
    """Fields of `Measured`, and the misfit of the sites [V]."""
    fields: dict[str, Any] = {
        "name": name,
        "guest": guest,
        "capacity": float(f"{found.capacity * 1e3 / grams:.6g}"),
        "window": (round(window[0], 3), round(window[1], 3)),
        "source": "measured, " + ", ".join(path.name for path in files),
        "columns": found.columns(offset),
        "sites": (),
    }
    if found.loss is not None:
        fields["loss"] = {
            "current_density": found.loss.current / (grams * 1e-3),
            "potential": found.loss.potential + offset,
            "width": found.loss.width,
            "growth": found.loss.growth,
        }
    if sites is None:
        return fields, None
    from sscell.analysis.site_fit import fit_sites

    if sites != "auto" and not sites.isdigit():
        raise ParameterError(f"--sites takes auto or a number, not '{sites}'.")
    mean = (found.discharge + found.charge) / 2 + offset
    count = None if sites == "auto" else int(sites)
    kinds, misfit = fit_sites(found.filling, mean, count)
    rows = [
        {"potential": s.potential, "fraction": s.fraction, "width": s.width} for s in kinds
    ]
    return fields | {"columns": None, "sites": rows}, misfit


def _reference(data: list[Any]) -> str | None:
    from sscell.dataset import metadata

    told = [metadata(one, "voltage_reference") for one in data]
    known = {str(t).split("/")[0] for t in told if t}
    return known.pop() if len(known) == 1 else None


def _potential_of(anode: Any) -> float:
    if "OCP [V]" in anode.values:
        return float(anode.number("OCP [V]"))
    columns = anode.table()
    if columns is None:
        raise ParameterError(f"'{anode.name}' has no potential of its own to refer to.")
    middle = len(columns["filling"]) // 2
    branch = columns.get("potential", columns.get("discharge", []))
    return float(branch[middle])


def _guest(anode: str) -> str:
    return "sodium" if anode.startswith("Na") else "lithium"


def _per_filling(capacity: str | None, like: str | None) -> float | None:
    """Charge between x = 0 and 1 [mA.h.g-1], as told or by a card's host."""
    from sscell.cells.materials import load_material
    from sscell.units import FARADAY, parse_quantity

    if capacity is not None:
        value = parse_quantity(capacity, "A*h/kg", "capacity")
        if value <= 0:
            raise ParameterError(f"The capacity must be positive, not {capacity}.")
        return value
    if like is None:
        return None
    card = load_material(like, "active")
    if card.card.host is None:
        return None
    sites = card.card.host.guest_per_host / card.number("Molar mass [kg.mol-1]")
    return sites * FARADAY / 3600


def _points(
    files: list[Path], grams: float, current: str | None, per_filling: float | None
) -> tuple[Any, Any, float] | None:
    """Filling, potential and capacity [A.h] of a file that is a table without time."""
    import numpy as np

    curve = curve_of(files[0]) if len(files) == 1 else None
    if curve is None:
        return None
    span = float(np.ptp(curve.amount))
    if curve.unit == "mAh/g":
        return curve.amount, curve.voltage, span * grams * 1e-3
    if curve.unit == "mAh":
        return curve.amount, curve.voltage, span * 1e-3
    if curve.unit == "x":
        if per_filling is None:
            raise ParameterError(
                f"{files[0].name} is a table over '{curve.name}', which says no charge: give "
                "--capacity between x = 0 and 1, such as 274mAh/g, or --like a card."
            )
        return curve.amount, curve.voltage, span * per_filling * grams * 1e-3
    if current is not None:
        raise ParameterError("--current goes with a curve of potential over mAh or mAh/g.")
    raise ParameterError(
        f"{files[0].name}: its first column '{curve.name}' has no unit; name it mAh/g, mAh "
        "or x."
    )
