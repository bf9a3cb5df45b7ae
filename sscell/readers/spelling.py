"""How units are spelled in the headers of files."""

from __future__ import annotations

import re

__all__ = ["CLOCK", "DAY_FIRST", "MONTH_FIRST", "is_unit", "known_unit", "split_unit"]

CLOCK = "clock"
DAY_FIRST, MONTH_FIRST = "day first", "month first"

_ATOMS = {
    "second": "s", "seconds": "s", "sec": "s", "secs": "s", "s": "s", "sek": "s",
    "sekunden": "s", "ms": "ms", "msec": "ms", "millisecond": "ms", "milliseconds": "ms",
    "us": "us", "min": "min", "mins": "min", "minute": "min", "minutes": "min",
    "minuten": "min", "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "std": "h", "stunden": "h", "d": "day", "day": "day", "days": "day",
    "秒": "s", "毫秒": "ms", "分": "min", "分钟": "min", "小时": "h", "时": "h",
    "volt": "V", "volts": "V", "v": "V", "mv": "mV", "uv": "uV", "kv": "kV",
    "millivolt": "mV", "millivolts": "mV", "伏": "V", "毫伏": "mV",
    "ampere": "A", "amperes": "A", "amp": "A", "amps": "A", "a": "A", "ma": "mA",
    "ua": "uA", "na": "nA", "milliampere": "mA", "milliamperes": "mA", "milliamps": "mA",
    "microampere": "uA", "microamps": "uA", "安": "A", "毫安": "mA", "微安": "uA",
    "ah": "A.h", "mah": "mA.h", "uah": "uA.h", "a.h": "A.h", "ma.h": "mA.h",
    "ahr": "A.h", "amphr": "A.h", "amp-hr": "A.h", "as": "A.s", "coulomb": "A.s",
    "coulombs": "A.s", "安时": "A.h", "毫安时": "mA.h",
    "wh": "W.h", "mwh": "mW.h", "uwh": "uW.h", "w.h": "W.h", "mw.h": "mW.h",
    "whr": "W.h", "j": "J", "w": "W", "mw": "mW", "uw": "uW",
    "c": "degC", "degc": "degC", "celsius": "degC", "°c": "degC", "℃": "degC",
    "deg.c": "degC", "oc": "degC", "k": "kelvin", "kelvin": "kelvin", "degk": "kelvin",
    "degf": "degF", "f": "degF", "°f": "degF", "℉": "degF", "fahrenheit": "degF",
    "hz": "Hz", "khz": "kHz", "mhz": "mHz", "rad/s": "rad/s",
    "ohm": "ohm", "ohms": "ohm", "ω": "ohm", "kohm": "kohm", "kohms": "kohm",
    "mohm": "mohm", "mohms": "mohm", "kω": "kohm", "mω": "mohm",
    "deg": "degree", "degree": "degree", "degrees": "degree", "°": "degree",
    "grad": "degree", "rad": "radian", "radian": "radian", "radians": "radian",
    "cm2": "cm**2", "m2": "m**2", "mm2": "mm**2", "g": "g", "mg": "mg", "kg": "kg",
    "cm": "cm", "m": "m",
    "pa": "Pa", "kpa": "kPa", "mpa": "MPa", "gpa": "GPa", "bar": "bar", "psi": "psi",
    "mv/s": "mV/s", "v/s": "V/s", "mv/min": "mV/min",
    "1": "", "#": "", "-": "",
}  # fmt: skip
# Case carries meaning here: MHz against mHz, MOhm against mOhm.
_EXACT = {
    "MHz": "megahertz", "MOhm": "megaohm", "Mohm": "megaohm", "MΩ": "megaohm",
    "MOhms": "megaohm", "C": "degC", "GHz": "gigahertz", "M": "M",
}  # fmt: skip
_CLOCKS = re.compile(
    r"(?:d+[\s.:-]*)?h+:m(?:in|m)?(?::s+(?:ec)?)?(?:[.:]m?s+|[.,]0+|[.,]f+)?", re.IGNORECASE
)
_DATES = {
    "dmy": DAY_FIRST, "d/m/y": DAY_FIRST, "dd/mm/yyyy": DAY_FIRST, "dayfirst": DAY_FIRST,
    "dd.mm.yyyy": DAY_FIRST, "dd-mm-yyyy": DAY_FIRST,
    "mdy": MONTH_FIRST, "m/d/y": MONTH_FIRST, "mm/dd/yyyy": MONTH_FIRST,
    "monthfirst": MONTH_FIRST, "mm-dd-yyyy": MONTH_FIRST,
}  # fmt: skip
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def known_unit(unit: str) -> str:
    """Unit as pint spells it, or the text as it is where it is not understood.

    Parameters
    ----------
    unit : str
        As in a header: ``"mA cm-2"``, ``"°C"``, ``"V vs. Li"``, ``"hh:mm:ss"``.

    Returns
    -------
    str
        ``"clock"`` for times with colons, ``"day first"`` or ``"month first"`` for dates.

    Examples
    --------
    >>> known_unit("mA cm-2"), known_unit("Ω·cm²"), known_unit("degF")
    ('mA/cm**2', 'ohm*cm**2', 'degF')
    """
    found = _understood(_bare(unit))
    return unit if found is None else found


def is_unit(text: str) -> bool:
    """Whether a text is the spelling of a unit.

    Parameters
    ----------
    text : str
        Such as a cell of a row of units.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_unit("mV"), is_unit("µA"), is_unit("Rest")
    (True, True, False)
    """
    return bool(_understood(_bare(text)))


def _bare(unit: str) -> str:
    """Unit in plain letters, without its reference electrode."""
    text = re.sub(r"\s*(?:vs\.?|versus)\s.*", "", unit, flags=re.IGNORECASE).strip()
    # What a wrong encoding has left of a degree sign or of a micro.
    text = re.sub(r"^(?:[?\ufffd](?=[CF]$)|\ufffd$)", "°", text)
    return text.translate(_DIGITS).replace("µ", "u").replace("μ", "u").replace("Ω", "Ω")


def _understood(text: str) -> str | None:
    squeezed = text.replace(" ", "").rstrip(".")
    if _CLOCKS.fullmatch(squeezed):
        return CLOCK
    if squeezed.lower() in _DATES:
        return _DATES[squeezed.lower()]
    atom = _atom(squeezed)
    return atom if atom is not None else _product(text)


def _atom(text: str) -> str | None:
    return _EXACT.get(text, _ATOMS.get(text.lower(), _ATOMS.get(text.replace("^", ""))))


def _product(text: str) -> str | None:
    """Unit of several parts, such as mA cm-2, Ohm*cm^2 or mAh/g."""
    parts = re.split(r"(\s*/\s*|\s*[·⋅*×]\s*|\s+|\.(?=[A-Za-z]))", text.replace("**", "^"))
    found, divide = "", False
    for part in parts:
        word = part.strip()
        if not word or word in "·⋅*×.":
            continue
        if word == "/":
            divide = True
            continue
        match = re.fullmatch(r"\(?(.+?)\^?(-?\d)?\)?", word)
        if not match:
            return None
        power = int(match[2] or 1)
        below = divide != (power < 0)
        unit = _atom(match[1] + (str(abs(power)) if abs(power) > 1 else ""))
        if unit is None or "/" in unit or not unit:
            return None
        found += ("/" if below else "*" if found else "") + unit
        divide = False
    return found if found and not found.startswith("/") else None


def split_unit(header: str) -> tuple[str, str | None]:
    """Separate a header into what it names and its unit.

    Parameters
    ----------
    header : str
        As it stands in the file.

    Returns
    -------
    tuple of (str, str or None)
        Name in lower case without punctuation, and the unit as pint spells it (None if
        the header states none).

    Examples
    --------
    >>> split_unit("Ewe/V"), split_unit("Current (mA)"), split_unit("test_time_s")
    (('ewe', 'V'), ('current', 'mA'), ('test time', 's'))
    >>> split_unit("-Im(Z)/Ohm"), split_unit("Program Duration#s")
    (('-im z', 'ohm'), ('program duration', 's'))
    """
    text = str(header).strip().strip('"').strip().replace("µ", "u").replace("μ", "u")
    text = re.sub(r"^[\u2212\u2013]", "-", text)
    # A tilde before a name, as BaSyTec has it; whole words in other scripts stay.
    text = re.sub(r"^[~#%]\s*", "", text)
    # Maccor's words that are a quantity and its unit in one, as mAmps and mAmp-hr.
    whole = re.fullmatch(r"([mu])(amps?|volts?|amp-hr|watt-hr)", text, flags=re.IGNORECASE)
    if whole:
        unit = {"a": "A", "v": "V", "w": "W"}[whole[2][0].lower()]
        return _plain(whole[2]), f"{whole[1]}{unit}" + (".h" if "-" in whole[2] else "")
    # EC-Lab's own spelling of impedance, such as -Im(Z)/Ohm, and Re(Z).
    text = re.sub(r"^(-?)\s*(re|im)\s*\(\s*z\w*\s*\)", r"\1\2 z", text, flags=re.IGNORECASE)
    text = re.sub(r"^(phase)\s*\(\s*z\w*\s*\)", r"\1", text, flags=re.IGNORECASE)
    tail = r"(?P<unit>[^()\[\]]+)"
    patterns = (
        rf"\[\s*\[?{tail}\]?\s*\]\s*$", rf"[(（]{tail}[)）]\s*$", rf"\s+/\s*{tail}$",
        r"#(?P<unit>[^#\s]+)$", r"/(?P<unit>[^/]+/[^/]+)$", r"/(?P<unit>[^/]+)$",
    )  # fmt: skip
    for pattern in patterns:
        match = re.search(pattern, text)
        if match and match.start() > 0:
            unit = match["unit"].strip()
            if len(unit) == 1 and unit in "ab" and "'" in text:
                return _plain(text[: match.start()]), None
            # "Q charge/discharge/mA.h" has one unit, "j/mA/cm2" has one of two parts.
            if pattern == patterns[-2] and known_unit(unit) == unit and unit != "V/mA":
                continue
            return _plain(text[: match.start()]), known_unit(unit)
    head, _, word = re.sub(r"[\s_]+", "_", text).rpartition("_")
    if head and word.lower() not in ("1", "t", "-", "d", "m", "g", "j", "f", "rad"):
        unit = _understood(_bare(word))
        if unit:
            return _plain(head), unit
    return _plain(text), None


def _plain(text: str) -> str:
    text = text.lower().replace("’", "'").replace("´", "'").replace("′", "'")
    text = text.replace("″", '"').replace("”", '"')
    text = re.sub(r"[_.,:;#\s]+", " ", text)
    return re.sub(r"(?<!^)-", " ", text).strip()
