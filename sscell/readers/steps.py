"""What the names of steps in files mean: discharge, charge or rest."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["name_kinds", "not_understood"]

_DISCHARGE = re.compile(
    r"dis-?ch|d-?chg|dchar|^dch|[^a-z]dch|entlad|d[ée]charge|放电|discarg"
    r"|^d$|[_\-\s/]d$|^d[_\-\s/]|^dis$|^ccd$|^cc ?d$|^dc$|^en[tl]$|^-$"
)
_CHARGE = re.compile(
    r"ch[ae]?rg|chg|^cha(?!m)|[^a-z]cha(?!m)|lade|ladung|charge|充电|^c$|[_\-\s/]c$|^c[_\-\s/](?=c)"
    r"|^ccc$|^cccv ?c$|^cc ?c$|^lad$|^\+$"
)
_REST = re.compile(
    r"^(?:r|p|s|o|i|w)$|rest|paus|pau$|ocv|ocp|open.?circuit|idle|wait|relax|repos|静置|搁置|休止|ruhe"
    r"|off$|stop|sto$|standby|none|^end$|finish|结束|完成"
)
# Control without a direction: said by its current alone.
_NEUTRAL = re.compile(
    r"^(?:cc|cv|cccv|cp|cr|control|gc|pc|galvanostatic|potentiostatic|hold|eis|peis|geis"
    r"|imp|impedance|cv ?hold|sim|loop|cycle|set|formation|恒流|恒压|恒流恒压|阻抗|[\d.]+)$"
)


def name_kinds(names: Iterable[str]) -> dict[str, int | None]:
    """Whether each name of a step discharges, charges or rests.

    Parameters
    ----------
    names : iterable of str
        As they stand in the file.

    Returns
    -------
    dict of str to (int or None)
        +1 discharge, -1 charge, 0 rest; None where the name does not say it. Single
        letters count only where a C or D is among them.

    Examples
    --------
    >>> name_kinds(["CC-D", "CCCV_Chg", "恒流充电", "Rest", "Entladen", "CC"])
    {'CC-D': 1, 'CCCV_Chg': -1, '恒流充电': -1, 'Rest': 0, 'Entladen': 1, 'CC': None}
    """
    found: dict[str, int | None] = {}
    for name in dict.fromkeys(map(str, names)):
        plain = name.strip().strip('"').lower()
        if not plain or plain in ("nan", "none", "<na>") or _NEUTRAL.search(plain):
            found[name] = None
        elif _DISCHARGE.search(plain):
            found[name] = 1
        elif _CHARGE.search(plain):
            found[name] = -1
        else:
            found[name] = 0 if _REST.search(plain) else None
    # CC holds a current anywhere but beside DC, where the first letter is the direction.
    if any(name.strip().lower() == "dc" for name in found):
        found |= {name: -1 for name in found if name.strip().lower() == "cc"}
    return found


def not_understood(kinds: dict[str, int | None]) -> list[str]:
    """Names that say neither a direction nor a control.

    Parameters
    ----------
    kinds : dict
        From `name_kinds`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> not_understood({"CC": None, "Blorp": None, "Rest": 0})
    ['Blorp']
    """
    return [
        name
        for name, kind in kinds.items()
        if kind is None
        and name.strip().lower() not in ("", "nan", "none", "<na>")
        and not _NEUTRAL.search(name.strip().lower())
    ]
