"""Which column of a file is which quantity, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sscell.errors import DataError, ParameterError, did_you_mean

__all__ = [
    "QUANTITIES",
    "Column",
    "Quantity",
    "match_columns",
    "parse_mapping",
    "split_unit",
]


@dataclass(frozen=True)
class Quantity:
    """A quantity that a file may hold.

    Parameters
    ----------
    key : str
        What the user calls it in ``columns``.
    name : str
        Its name in the dataset, with the unit it is converted to.
    patterns : tuple of str
        Regular expressions for the header without its unit; an earlier one wins.
    default_unit : str
        Taken where the header states none.
    """

    key: str
    name: str
    patterns: tuple[str, ...]
    default_unit: str = ""


_I = r"(?:\|?<?i>?\|?|current|strom)"
QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "time",
        "Time [s]",
        (
            r"(?:test|total|cumulative|elapsed|run|experiment|running) ?time",
            r"(?:time|t|zeit)",
            r"(?:step|relative) ?time|time in step",
            r"(?:date|date ?time|timestamp|absolute ?time|date ?time iso string)",
        ),
        "s",
    ),
    Quantity(
        "voltage",
        "Voltage [V]",
        (
            r"(?:cell |terminal |full ?cell |battery )?(?:voltage|potential|spannung)(?: vs .+)?",
            r"(?:ecell|<?ewe>?(?: ece)?|vf|u|e|v|volts?|<e>)",
        ),
        "V",
    ),
    Quantity(
        "current",
        "Current [A]",
        (
            rf"(?:cell |applied |total )?{_I}",
            r"(?:im|amps?|current density|specific current|j)",
        ),
        "A",
    ),
    Quantity(
        "temperature",
        "Temperature [degC]",
        (
            r"(?:cell |surface )?(?:temperature|temp|t mid)(?: ?t?1)?",
            r"(?:ambient |chamber |t )(?:temperature|temp|chamber)|aux temperature 1|t1",
        ),
        "degC",
    ),
    Quantity(
        "cycle",
        "Cycle",
        (r"(?:cycle|cycle ?(?:index|number|count|no|id)|full ?cycle|zyklus)",),
    ),
    Quantity(
        "step",
        "Step",
        (r"(?:step|step ?(?:index|number|count|no|id)|ns|half ?cycle)", r"step ?count"),
    ),
    Quantity("mode", "Mode", (r"(?:step ?(?:type|name)|mode|status|state|md)",)),
    Quantity(
        "charge_capacity",
        "Charge capacity [A.h]",
        (r"(?:charg(?:e|ing)|chg) ?cap(?:acity)?|q charge",),
        "A.h",
    ),
    Quantity(
        "discharge_capacity",
        "Discharge capacity [A.h]",
        (r"(?:discharg(?:e|ing)|dchg) ?cap(?:acity)?|q discharge",),
        "A.h",
    ),
    Quantity(
        "frequency", "Frequency [Hz]", (r"(?:freq|frequency|frequencies|f|frequenz)",), "Hz"
    ),
    Quantity(
        "real",
        "Z real [Ohm]",
        (r"(?:re z|z ?re(?:al)?|real z|zs?'|real(?: part| impedances?)?|re|z ?prime)",),
        "ohm",
    ),
    Quantity(
        "imaginary",
        "Z imaginary [Ohm]",
        (
            r"-?(?:im z|z ?im(?:a?g)?(?:inary)?|imag(?:inary)? z|zs?''|zs?\""
            r"|imag(?:inary)?(?: part| impedances?)?|im|z ?double ?prime)",
        ),
        "ohm",
    ),
)

_UNIT_WORDS = {
    "second": "s", "seconds": "s", "sec": "s", "secs": "s", "s": "s", "ms": "ms",
    "min": "min", "mins": "min", "minute": "min", "minutes": "min", "h": "h", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "d": "day", "days": "day",
    "volt": "V", "volts": "V", "v": "V", "mv": "mV", "uv": "uV", "kv": "kV",
    "ampere": "A", "amperes": "A", "amp": "A", "amps": "A", "a": "A", "ma": "mA",
    "ua": "uA", "na": "nA", "milliampere": "mA", "millivolt": "mV",
    "ah": "A.h", "mah": "mA.h", "uah": "uA.h", "a.h": "A.h", "ma.h": "mA.h", "as": "A.s",
    "c": "degC", "degc": "degC", "celsius": "degC", "°c": "degC", "℃": "degC",
    "k": "kelvin", "kelvin": "kelvin", "degf": "degF", "f": "degF",
    "hz": "Hz", "khz": "kHz", "mhz": "mHz", "ohm": "ohm", "ohms": "ohm", "ω": "ohm",
    "Ω": "ohm", "kohm": "kohm", "mohm": "mohm", "kω": "kohm", "1": "", "#": "",
    "rad/s": "rad/s",
    "ma/cm2": "mA/cm2", "ua/cm2": "uA/cm2", "a/m2": "A/m2", "ma/cm^2": "mA/cm2",
    "ma/g": "mA/g", "a/g": "A/g", "mah/g": "mA.h/g",
    "h:min:s.ms": "clock", "h:m:s": "clock", "hh:mm:ss": "clock", "h:min:s": "clock",
}  # fmt: skip
# Case carries meaning here: MHz against mHz, MOhm against mOhm.
_UNIT_EXACT = {"MHz": "megahertz", "MOhm": "megaohm", "Mohm": "megaohm", "MΩ": "megaohm"}


@dataclass(frozen=True)
class Column:
    """Where a quantity stands in a file.

    Parameters
    ----------
    header : str
        As it stands in the file.
    unit : str
        As recognised, or the default.
    stated : bool
        Whether the file or the user stated the unit.
    negative : bool
        Whether the file holds minus the quantity.
    rank : int
        Which pattern matched: 2 or more for time counts within a step.
    """

    header: str
    unit: str
    stated: bool = True
    negative: bool = False
    rank: int = 0


def split_unit(header: str) -> tuple[str, str | None]:
    """Split a header into its plain lower-case name and its unit.

    Parameters
    ----------
    header : str
        Such as ``"Current(mA)"``, ``"Ewe/V"``, ``"Test Time / s"`` or ``"voltage_volt"``.

    Returns
    -------
    tuple of (str, str or None)
        Name without punctuation, and the unit; None where there is none.

    Examples
    --------
    >>> split_unit("Current(mA)"), split_unit("voltage_volt"), split_unit("U")
    (('current', 'mA'), ('voltage', 'V'), ('u', None))
    """
    text = header.strip().strip("#\ufeff ").replace("µ", "u").replace("μ", "u")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    text = re.sub(
        r"^-?\s*(Re|Im)\(Z\)", lambda m: m[0].replace("(", " ").replace(")", ""), text
    )
    tail = r"(?P<unit>[^()\[\]]+)"
    for pattern in (rf"\[{tail}\]\s*$", rf"[(]{tail}[)]\s*$", rf"\s+/\s+{tail}$",
                    r"/(?P<unit>[^/]+(?:/[^/]+)?)$"):  # fmt: skip
        match = re.search(pattern, text)
        if match and match.start() > 0:
            unit = match["unit"].strip()
            if len(unit) == 1 and unit in "ab" and "'" in text:
                return _plain(text[: match.start()]), None
            return _plain(text[: match.start()]), _known_unit(unit)
    head, _, word = re.sub(r"[\s_]+", "_", text).rpartition("_")
    if head and word.lower() in _UNIT_WORDS and word not in ("1", "T"):
        return _plain(head), _UNIT_WORDS[word.lower()]
    return _plain(text), None


def _known_unit(unit: str) -> str:
    unit = re.sub(r"\s*(?:vs\.?|versus)\s.*", "", unit, flags=re.IGNORECASE)
    squeezed = unit.replace(" ", "").replace("²", "2").rstrip(".")
    return _UNIT_EXACT.get(squeezed, _UNIT_WORDS.get(squeezed.lower(), unit))


def _plain(text: str) -> str:
    text = re.sub(r"[_.,:;\s]+", " ", text.lower().replace("’", "'").replace("´", "'"))
    return re.sub(r"(?<!^)-", " ", text).strip()


def parse_mapping(columns: Mapping[str, str] | str | None) -> dict[str, str]:
    """Read the user's statement of which column is which.

    Parameters
    ----------
    columns : mapping or str, optional
        ``{"voltage": "U2", "current": "I:uA"}`` or ``"voltage=U2,current=I:uA"``.

    Returns
    -------
    dict of str to str
        Quantity to header, with an optional ``:unit``.

    Raises
    ------
    ParameterError
        If a quantity is unknown or the text is not of that form.

    Examples
    --------
    >>> parse_mapping("voltage=Ecell/V")
    {'voltage': 'Ecell/V'}
    """
    if columns is None:
        return {}
    if isinstance(columns, str):
        parts = [p for p in re.split(r",(?=\s*[A-Za-z_]+\s*=)", columns) if p.strip()]
        if any("=" not in p for p in parts):
            raise ParameterError(
                f"Columns '{columns}' must be given as 'voltage=HEADER,current=HEADER:mA'."
            )
        columns = {k.strip(): v.strip() for k, v in (p.split("=", 1) for p in parts)}
    known = [q.key for q in QUANTITIES]
    result = {}
    for key, header in columns.items():
        short = split_unit(str(key))[0].split(" ")[0] if key not in known else key
        if short not in known:
            raise ParameterError(
                f"There is no quantity '{key}' for a column. "
                + (did_you_mean(str(key), known) or f"Known: {', '.join(known)}.")
            )
        result[short] = str(header)
    return result


def _explicit(header: str, headers: list[str], quantity: Quantity) -> Column:
    negative = header not in headers and header.startswith("-")
    wanted, unit = (header[1:] if negative else header), None
    if wanted not in headers and ":" in wanted:
        wanted, _, unit = wanted.rpartition(":")
    stripped = {h.strip(): h for h in headers}
    if wanted.strip() not in stripped:
        raise DataError(
            f"The file has no column '{wanted}' for {quantity.key}; it has "
            f"{', '.join(repr(h) for h in headers)}. {did_you_mean(wanted, headers)}"
        )
    found = stripped[wanted.strip()]
    unit = _known_unit(unit) if unit else split_unit(found)[1]
    return Column(found, unit or quantity.default_unit, unit is not None, negative)


def match_columns(
    headers: Iterable[str], mapping: Mapping[str, str] | None = None
) -> dict[str, Column]:
    """Recognise the columns of a file by their headers.

    Parameters
    ----------
    headers : iterable of str
        As they stand in the file.
    mapping : mapping of str to str, optional
        What the user says, by quantity; it wins.

    Returns
    -------
    dict of str to Column
        By the key of the quantity; what is not recognised is absent.

    Raises
    ------
    DataError
        If a column that the user names is not in the file.

    Examples
    --------
    >>> match_columns(["Time/h", "Ewe/V", "I/mA"])["current"].unit
    'mA'
    """
    headers = [str(h) for h in headers]
    mapping = mapping or {}
    split = {h: split_unit(h) for h in headers}
    found: dict[str, Column] = {}
    for quantity in QUANTITIES:
        if quantity.key in mapping:
            found[quantity.key] = _explicit(mapping[quantity.key], headers, quantity)
            continue
        for rank, pattern in enumerate(quantity.patterns):
            hits = [h for h in headers if re.fullmatch(pattern, split[h][0])]
            if hits:
                name, unit = split[hits[0]]
                found[quantity.key] = Column(
                    hits[0],
                    quantity.default_unit if unit is None else unit,
                    unit is not None,
                    quantity.key == "imaginary" and name.startswith("-"),
                    rank,
                )
                break
    return found
