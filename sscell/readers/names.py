"""What the columns of files are called: the quantities and the headers they go by."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QUANTITIES", "RANK_CLOCK", "RANK_STEP", "RANK_TIME", "RANK_TOTAL", "Quantity"]

# Of time, by its pattern: a total, a bare "time", time within a step, a stamp.
RANK_TOTAL, RANK_TIME, RANK_STEP, RANK_CLOCK = range(4)


@dataclass(frozen=True)
class Quantity:
    """A quantity that a file may hold.

    Parameters
    ----------
    key : str
        What the user calls it in ``columns``.
    name : str
        Its name in the dataset, with the unit it is converted to; empty if it only
        serves to check the others.
    patterns : tuple of str
        Regular expressions for the header without its unit; an earlier one wins.
    default_unit : str
        Taken where the header states none.
    """

    key: str
    name: str
    patterns: tuple[str, ...]
    default_unit: str = ""


_I = r"(?:\|?<?i>?\|?|current|strom|stromst(?:ä|ae)rke|courant|电流)"
_TOTAL = (
    r"(?:test|total|cumulative|elapsed|run|running|experiment|prog|program|programm?dauer"
    r"|overall) ?(?:time|duration)?(?: ?\d)?|program duration|gesamtzeit|testzeit|laufzeit"
    r"|(?:pr(?:ü|ue)f|versuchs|mess|programm?|progr )zeit|zeit gesamt|temps total"
    r"|测试时间|总时间|累计时间|运行时间|记录时间|testtime|time since start|test|total|run|prog"
)
_STEP_TIME = (
    r"(?:step|relative) ?(?:time|duration|dauer)|time in step|schrittzeit|schrittdauer"
    r"|相对时间|步时间|工步时间|t step|steptime|step"
)
_STAMP = (
    r"(?:date|date ?time|time ?stamp|absolute ?time|date ?time iso string|dpt ?time"
    r"|real ?time|system ?time|date and time|datum(?: uhrzeit)?|zeitstempel|start ?time"
    r"|unix ?time|epoch|time of(?: day)?|uhrzeit|heure|datum zeit|abs ?time|sys ?time"
    r"|系统时间|绝对时间|日期|日期时间|时间戳)"
)
_DISCHARGE = r"(?:dis ?charg(?:e|ing)|d ?chg|dchg|dcha?|entlade?|放电)"
_CHARGE = r"(?:charg(?:e|ing)|chg|cha|lade|充电)"
_CAPACITY = r"(?:cap(?:acity|acitance)?|kapazit(?:ä|ae)t|容量|q|ah)"
_ENERGY = r"(?:energy|engy|energie|能量|wh)"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "time", "Time [s]", (_TOTAL, r"(?:time|t|zeit|时间|temps)", _STEP_TIME, _STAMP), "s"
    ),
    Quantity(
        "voltage",
        "Voltage [V]",
        (
            r"(?:cell |terminal |full ?cell |battery |working |zell|klemmen|batterie)?"
            r"(?:voltage|potential|spannung|tension|电压|电位)(?: vs .+)?",
            r"(?:ecell|<?ewe>?(?: ece)?|vf|u|e|v|volts?|<e>|cell u|voltage 1|e we|vcell"
            r"|[uv] ?(?:batt?|cell|zelle))"
            r"(?: vs .+)?",
        ),
        "V",
    ),
    Quantity(
        "current",
        "Current [A]",
        (
            rf"(?:cell |applied |total |working )?{_I}",
            r"(?:im|amps?|cur|(?:current|strom) ?(?:density|dichte)|specific current|j"
            r"|current 1|icell|i (?:batt?|cell|zelle)|电流密度)",
        ),
        "A",
    ),
    Quantity(
        "temperature",
        "Temperature [degC]",
        (
            r"(?:cell |surface )?(?:temperature|temp|t mid|temperatur|温度)(?: ?t?1)?",
            r"(?:ambient |chamber |aux |t )(?:temperature|temp|chamber)(?: ?1)?|t1|tenv"
            r"|aux temperature 1|logtemp0*1|t",
        ),
        "degC",
    ),
    Quantity(
        "cycle",
        "Cycle",
        (
            r"(?:cycle|cyc|full ?cycle|zyklus|zyk)(?: ?(?:index|number|count|no|id|nr|nummer))?"
            r"|循环号|循环序号|循环|循环数|循环次数",
        ),
    ),
    Quantity(
        "step",
        "Step",
        (
            r"(?:step|schritt)(?: ?(?:id|no|number|nr|nummer))?|工步号|工步序号|工步|步次|ns",
            r"step ?(?:index|count)|half ?cycle|line|segment",
        ),
    ),
    Quantity(
        "mode",
        "Mode",
        (
            r"(?:step ?(?:type|name|mode|status|state)|mode|status|state|md|command|schritt ?typ"
            r"|(?:record ?|step ?)?type|art|modus|[eé]tat|步骤名称|步骤类型|工作模式|工作状态"
            r"|工步类型|工步名称|工步状态|状态|工步种类|betriebsart|zustand)",
        ),
    ),
    Quantity(
        "charge_capacity",
        "Charge capacity [A.h]",
        (rf"{_CHARGE} ?{_CAPACITY}|{_CAPACITY} ?{_CHARGE}|ladekapazit(?:ä|ae)t",),
        "A.h",
    ),
    Quantity(
        "discharge_capacity",
        "Discharge capacity [A.h]",
        (rf"{_DISCHARGE} ?{_CAPACITY}|{_CAPACITY} ?{_DISCHARGE}|entladekapazit(?:ä|ae)t",),
        "A.h",
    ),
    # These only check the others.
    Quantity(
        "capacity",
        "",
        (
            r"(?:net |step |cell )?(?:cap(?:acity|acitance)?|kapazit(?:ä|ae)t|容量)"
            r"|\(?q qo?0?\)?|q charge/discharge|q|amp hr|ah|ah step|ahbal|ahstep|q half",
            r"ahaccu|(?:cumulative|total) capacity",
        ),
        "A.h",
    ),
    Quantity("increment", "", (r"dq|delta q",), "A.h"),
    Quantity("charge_energy", "", (rf"{_CHARGE} ?{_ENERGY}|{_ENERGY} ?{_CHARGE}",), "W.h"),
    Quantity(
        "discharge_energy",
        "",
        (rf"{_DISCHARGE} ?{_ENERGY}|{_ENERGY} ?{_DISCHARGE}",),
        "W.h",
    ),
    Quantity(
        "energy",
        "",
        (r"\|?(?:net |step )?(?:energy|energie|能量)\|?|watt hr|wh|whstep",),
        "W.h",
    ),
    Quantity("power", "", (r"\|?(?:power|leistung|功率|watt|p)\|?",), "W"),
    Quantity("stamp", "", (_STAMP,), "s"),
    Quantity("step_time", "", (_STEP_TIME,), "s"),
    Quantity("control", "", (r"control(?: v)?(?: ma)?(?:/v(?:/ma)?)?",)),
    Quantity(
        "frequency",
        "Frequency [Hz]",
        (
            r"(?:freq|frequency|frequencies|f|frequenz|频率"
            r"|omega|ω|(?:angular|circular) frequency|kreisfrequenz)",
        ),
        "Hz",
    ),
    Quantity(
        "real",
        "Z real [Ohm]",
        (
            r"-?(?:re z|z ?re(?:al)?|real z|zs?'|real(?: part| impedances?)?|re|z ?prime"
            r"|realteil|zreell|z re|(?:阻抗)?实部)",
        ),
        "ohm",
    ),
    Quantity(
        "imaginary",
        "Z imaginary [Ohm]",
        (
            r"-?(?:im z|z ?im(?:a?g)?(?:inary)?|imag(?:inary)? z|zs?''|zs?\""
            r"|imag(?:inary)?(?: part| impedances?)?|im|z ?double ?prime|imagin(?:ä|ae)rteil"
            r"|(?:阻抗)?虚部)",
        ),
        "ohm",
    ),
    Quantity(
        "modulus",
        "",
        (
            r"\|?zs?\|?|z ?mod(?:ulus)?|(?:absolute )?impedance(?: mod(?:ulus)?)?"
            r"|impedanz(?:betrag)?|阻抗|阻抗模|mod(?:ulus)?"
            r"|(?:z )?magnitude|abs z|\|z\|",
        ),
        "ohm",
    ),  # fmt: skip
    Quantity(
        "phase",
        "",
        (
            r"-?(?:phases?(?: angle)?(?: ?z)?|z ?ph[sz]|phz|theta|phi|phase ?z|phasenwinkel"
            r"|相位角?|相角)",
        ),
        "degree",
    ),
)
