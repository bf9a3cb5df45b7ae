"""Spellings, clocks, spreadsheets, damaged files; readings against the file's own columns."""

import re
import time as clock
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measured import measured
from mutations import mutated, sources

from sscell import select
from sscell.analysis import half_cycles
from sscell.dataset import metadata, save_dataset, time_series
from sscell.errors import DataError, ParameterError
from sscell.readers import read, write_bdf
from sscell.readers.spelling import known_unit
from sscell.readers.steps import name_kinds
from sscell.segments import passed_by_current, row_kinds, segments

FILES = Path(__file__).parent / "data_files"
CASES = Path(__file__).parent / "cases" / "data"


def quiet(file, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(file, **options)


def notes(data):
    return " ".join(metadata(data, "warnings") or [])


def protocol():
    """Time [s], voltage [V], current [mA], letter and cycle of two cycles of 1 mAh."""
    rows, t = [], 0
    for cycle in (1, 2):
        for letter, current in (("D", -1), ("R", 0), ("C", 1), ("R", 0)):
            steps = 12 if current else 4
            for k in range(steps + 1):
                v = {-1: 2.4 - 0.1 * k, 0: 1.4 + 0.01 * k, 1: 1.5 + 0.1 * k}[current]
                rows.append((t + 300 * k, round(v, 4), current, letter, cycle))
            t += 300 * steps
    return rows


def hms(t):
    return f"{t // 3600:02d}:{t % 3600 // 60:02d}:{t % 60:02d}"


def text(header, row, encoding="utf-8"):
    lines = [header, *(row(*one) for one in protocol()), ""]
    return "\n".join(lines).encode(encoding)


def check_halves(data, span=19200):
    found = [(h.direction, round(h.capacity * 1e3, 3)) for h in half_cycles(data)]
    assert found == [("discharge", 1.0), ("charge", 1.0)] * 2
    assert float(data["Time [s]"][-1] - data["Time [s]"][0]) == pytest.approx(
        span, abs=0.01
    )


VENDORS = {
    "arbin": ("Data_Point,Test_Time(s),Date_Time,Step_Index,Cycle_Index,Current(A),Voltage(V)",
              lambda t, v, i, k, c: f"1,{t},\t03/15/2024 {hms(t)},1,{c},{i / 1000},{v}"),
    "basytec": ("~Time[h]\tU[V]\tI[A]\tCyc-Count\tCommand",
                lambda t, v, i, k, c: f"{t / 3600:.7f}\t{v}\t{i / 1000}\t{c}\t"
                + {"D": "Discharge", "C": "Charge", "R": "Pause"}[k]),
    "digatron": ("Step,Status,Program Duration#s,Voltage#V,Current#mA",
                 lambda t, v, i, k, c: f"1,{ {'D': 'DCH', 'C': 'CHA', 'R': 'PAU'}[k]},{t},{v},{i}"),
    "land": ("Cycle-Index,Step-State,TestTime/Sec,Current/mA,Voltage/V",
             lambda t, v, i, k, c: f"{c},{ {'D': 'D_CC', 'C': 'C_CC', 'R': 'Rest'}[k]},{t},"
             f"{abs(i)},{v}"),
    "maccor": ("Rec#\tCyc#\tStep\tTest (Min)\tStep (Min)\tAmps\tVolts\tState\tDPT Time",
               lambda t, v, i, k, c: f"1\t{c}\t1\t{t / 60:.5f}\t{t / 60:.5f}\t{abs(i) / 1000}\t{v}"
               f"\t{k}\t06/25/2025 {hms(t)}"),
    "neware": ("循环序号,工步类型,总时间,电流(mA),电压(V)",
               lambda t, v, i, k, c: f"{c},{ {'D': '恒流放电', 'C': '恒流充电', 'R': '静置'}[k]},"
               f"{hms(t)},{abs(i)},{v}"),
    "novonix": ("Date and Time,Cycle Number,Run Time (h),Current (A),Potential (V)",
                lambda t, v, i, k, c: f"2024-01-01 {hms(t)},{c},{t / 3600:.7f},{i / 1000},{v}"),
    "pec": ("Test,Cycle,Total Time (Seconds),Voltage (mV),Current (mA)",
            lambda t, v, i, k, c: f"1,{c},{t},{v * 1000},{i}"),
    "german abbreviations": ("Prüfzeit [h];Zellspannung [mV];I_Batt [mA];Zyk;Art",
                             lambda t, v, i, k, c: f"{t / 3600:.7f};{v * 1000};{abs(i)};{c};"
                             .replace(".", ",") + {"D": "ENT", "C": "LAD", "R": "PAU"}[k]),
    "french": ("Temps (s);Tension (V);Courant (mA);Etat",
               lambda t, v, i, k, c: f"{t};{v};{abs(i)};".replace(".", ",")
               + {"D": "Décharge", "C": "Charge", "R": "Repos"}[k]),
    "land letters": ("Cycle,Type,Test Time (H:M:S),Current (mA),Voltage (V)",
                     lambda t, v, i, k, c: f"{c},{ {'D': 'DC', 'C': 'CC', 'R': 'R'}[k]},{hms(t)},"
                     f"{abs(i)},{v}"),
    "signs": ("time_s,ecell_V,i_mA,mode",
              lambda t, v, i, k, c: f"{t},{v},{abs(i)},{ {'D': '-', 'C': '+', 'R': '0'}[k]}"),
    "chinese": ("循环,步骤名称,记录时间,电流/A,电压/V",
                lambda t, v, i, k, c: f"{c},"
                + {"D": "恒流放电", "C": "恒流恒压充电", "R": "搁置"}[k]
                + f",{hms(t)},{abs(i) / 1000},{v}"),
    "maccor in mA": ("Cyc#\tTestTime\tmAmps\tVolts",
                     lambda t, v, i, k, c: f"{c}\t  0d {t // 3600}:{t % 3600 // 60}:{t % 60}"
                     f"\t{i}\t{v}"),
    "units below": ("Time;Voltage;Current\n(min);(mV);(uA)",
                    lambda t, v, i, k, c: f"{t / 60:.5f};{v * 1000};{i * 1000}"),
    "units above": ("s,V,mA\nTime,Voltage,Current",
                    lambda t, v, i, k, c: f"{t},{v},{i}"),
    "percent": ("% cell 4\n% Time (s),Voltage (V),Current (mA)",
                lambda t, v, i, k, c: f"{t},{v},{i}"),
    "index and empty end": (",Time (s),Voltage (V),Current (mA),Note",
                            lambda t, v, i, k, c: f"{t // 300},{t},{v},{i},"),
    "date beside time": ("Date,Time,Voltage (V),Current (mA)",
                         lambda t, v, i, k, c: f"{3 + (t + 79200) // 86400:02d}.05.2024,"
                         f"{hms((t + 79200) % 86400)},{v},{i}"),
    "german": ("Zeit/s;Spannung/V;Strom/mA;Schritttyp",
               lambda t, v, i, k, c: f"{t};{v};{abs(i)};".replace(".", ",")
               + {"D": "Entladen", "C": "Laden", "R": "Ruhe"}[k]),
}  # fmt: skip


@pytest.mark.parametrize("vendor", VENDORS)
def test_exports_of_the_vendors_give_the_same_half_cycles(vendor):
    header, row = VENDORS[vendor]
    words = {"neware": "gbk", "german": "latin-1", "french": "latin-1", "chinese": "utf-16"}
    encoding = words.get(vendor, "utf-8")
    data = quiet(text(header, row, encoding), name=f"{vendor}.csv")
    check_halves(data)
    assert "contradict" not in notes(data) and "disagree" not in notes(data)


TIMES = {
    "days": ("Time", lambda t: f"{t // 86400}-{hms(t % 86400)}"),
    "words": ("TestTime", lambda t: f"{t // 86400}d {hms(t % 86400)}"),
    "lost hours": ("Time", lambda t: f"{t % 3600 // 60:02d}:{t % 60:04.1f}"),
    "minutes": ("Time (min)", lambda t: f"{t / 60:.4f}"),
    "milliseconds": ("t/ms", lambda t: f"{t * 1000}"),
    "iso": ("Timestamp", lambda t: f"2024-02-01T{hms(t)}.000Z"),
    "german": ("Zeitstempel", lambda t: f"{1 + (t + 80000) // 86400}. Mär 2024 "
               + hms((t + 80000) % 86400)),
    "dots": ("Datum", lambda t: f"{1 + (t + 80000) // 86400:02d}.02.2024 "
             + hms((t + 80000) % 86400)),
    "american": ("Date", lambda t: f"02/{1 + (t + 80000) // 86400:02d}/2024 "
                 + hms((t + 80000) % 86400)),
    "day first": ("Date", lambda t: f"{1 + (t + 80000) // 86400:02d}/02/2024 "
                  + hms((t + 80000) % 86400)),
    "unix": ("Unix Time / s", lambda t: f"{1.7e9 + t:.0f}"),
    "serial days": ("Date", lambda t: f"{45000 + t / 86400:.9f}"),
    "twelve hours": ("Time of day", lambda t: f"{((t + 79200) // 3600 + 11) % 12 + 1}:"
                     f"{t % 3600 // 60:02d}:00 {'PM' if t < 7200 else 'AM'}"),
    "half days": ("Date", lambda t: f"06/25/2025 {(t // 3600 + 9) % 12 + 1}:"
                  f"{t % 3600 // 60:02d}:00 {'AM' if t < 7200 else 'PM'}"),
}  # fmt: skip


@pytest.mark.parametrize("form", TIMES)
def test_times_in_every_form_span_the_same(form):
    header, write = TIMES[form]
    raw = text(
        f"{header};Voltage (V);Current (mA)",
        lambda t, v, i, k, c: f"{write(t)};{v};{i}",
    )
    check_halves(quiet(raw, current_sign="charge"))


def test_an_order_of_day_and_month_that_nothing_tells_is_asked_for():
    rows = [f"0{d}/0{m}/2024 10:00:00,2.{d},-1" for d, m in ((1, 1), (2, 2), (3, 3))]
    raw = "\n".join(["Date,Voltage (V),Current (mA)", *rows]).encode()
    assert float(quiet(raw)["Time [s]"][-1]) > 0, "both orders are the same"
    rows = [f"0{d}/0{m}/2024 10:00:00,2.{d},-1" for d, m in ((1, 2), (2, 4), (3, 6))]
    raw = "\n".join(["Date,Voltage (V),Current (mA)", *rows]).encode()
    days = quiet(raw, columns="time=Date:dmy")["Time [s]"].values[-1] / 86400
    assert days == pytest.approx(123)
    days = quiet(raw, columns="time=Date:mdy")["Time [s]"].values[-1] / 86400
    assert days == pytest.approx(64)
    with pytest.raises(DataError, match=r"day or the month first.*Date:dmy"):
        read(raw)


@pytest.mark.parametrize(
    ("spelled", "unit"),
    [("mA cm-2", "mA/cm**2"), ("mA/cm²", "mA/cm**2"), ("A·m⁻²", "A/m**2"),
     ("µA cm^-2", "uA/cm**2"), ("Ohm cm2", "ohm*cm**2"), ("Ω·cm²", "ohm*cm**2"),
     ("kOhm", "kohm"), ("MOhm", "megaohm"), ("MHz", "megahertz"), ("mHz", "mHz"),
     ("°F", "degF"), ("hh:mm:ss.ms", "clock"), ("mAh g-1", "mA.h/g"), ("furlong", "furlong")],
)  # fmt: skip
def test_units_in_every_spelling(spelled, unit):
    assert known_unit(spelled) == unit


def test_a_degree_sign_that_the_encoding_lost_and_a_temperature_in_kelvin():
    for header, value in (
        ("Temp/\ufffdC", 60),
        ("Temperature", 333.15),
        ("T1 [\ufffdC]", 60),
    ):
        data = quiet(
            text(
                f"Time (s),U (V),I (mA),{header}",
                lambda t, v, i, k, c, x=value: f"{t},{v},{i},{x}",
            ),
            name="a.csv",
        )
        np.testing.assert_allclose(data["Temperature [degC]"], 60.0)
    assert "kelvin" not in notes(data)


SPECTRA = {
    "rad/s": ("Angular frequency (rad/s),Zre (Ohm),Zim (Ohm)",
              lambda f, z: f"{2 * np.pi * f},{z.real},{z.imag}"),
    "typographic minus": ("Frequenz (Hz);Z′ (Ω);−Z″ (Ω)",
                          lambda f, z: f"{f};{z.real};{-z.imag}".replace("-", "−")),
    "minus the phase": ("f/kHz,Impedance modulus (kOhm),-phi (rad)",
                        lambda f, z: f"{f / 1e3},{abs(z) / 1e3},{-np.angle(z)}"),
    "underscores": ("freq_Hz,Z_real_mohm*cm^2,Z_imag_mohm*cm^2",
                    lambda f, z: f"{f},{z.real * 2e3},{z.imag * 2e3}"),
    "units in a row": ("Freq\tZreal\tZimag\nkHz\tkOhm\tkOhm",
                       lambda f, z: f"{f / 1e3}\t{z.real / 1e3}\t{z.imag / 1e3}"),
    "chinese": ("频率/Hz,实部/Ohm,虚部/Ohm", lambda f, z: f"{f},{z.real},{z.imag}"),
    "minus both": ("f/Hz,-Z'/Ohm,-Z''/Ohm", lambda f, z: f"{f},{-z.real},{-z.imag}"),
}  # fmt: skip


@pytest.mark.parametrize("form", SPECTRA)
def test_spectra_in_every_spelling(form):
    header, row = SPECTRA[form]
    f = np.logspace(5, 0, 11)
    z = 10 + 50 / (1 + 2j * np.pi * f * 1e-4)
    lines = [header, *(row(*one) for one in zip(f, z, strict=True)), ""]
    data = quiet("\n".join(lines).encode(), name="z.csv", area=2.0)
    np.testing.assert_allclose(data["Frequency [Hz]"], f)
    np.testing.assert_allclose(data["Z real [Ohm]"] + 1j * data["Z imaginary [Ohm]"], z)


def test_a_current_of_zero_beside_a_voltage_that_moves_is_said():
    data = quiet(
        text("Time (s),U (V),I (A)", lambda t, v, i, k, c: f"{t},{v},0.00"), name="a.csv"
    )
    assert "zero throughout" in notes(data)


def test_dashes_at_rest_are_no_numbers_that_were_lost():
    data = quiet(
        text("Time (s),U (V),I (mA)", lambda t, v, i, k, c: f"{t},{v},{i if i else '---'}"),
        name="a.csv",
    )
    check_halves(data)


def test_a_voltammogram_without_time_is_told_of_the_scan_rate():
    with pytest.raises(DataError, match="--scan-rate"):
        quiet(text("U (V),I (mA)", lambda t, v, i, k, c: f"{v},{i}"), name="a.csv")


def test_a_current_that_outlasts_the_turn_of_a_sweep_does_not_contradict_the_sign():
    up = np.arange(2.0, 5.0, 0.02)
    rows = [(v, 1e-3 * np.exp(4 * (v - 5))) for v in (*up, *up[::-1])]
    lines = [f"{10 * k},{v:.3f},{i if k > 140 else 0}" for k, (v, i) in enumerate(rows)]
    file = "\n".join(["time/s,U/V,I/A", *lines, ""]).encode()
    assert "probably the other" not in notes(
        quiet(file, name="a.csv", current_sign="charge")
    )


def test_a_capacitance_in_farad_is_no_capacity():
    data = quiet(
        text(
            "time/s,Ewe/V,I/mA,Capacitance charge/µF,Q charge/mA.h",
            lambda t, v, i, k, c: f"{t},{v},{i},5,0",
        ),
        name="a.csv",
    )
    assert "Capacitance charge/µF" in metadata(data, "unread_columns")
    assert "Capacitance" not in notes(data)


def test_densities_become_currents_with_the_area_or_mass():
    for header, factor, given in (
        ("j (A m^-2)", 10.0, {"area": "1 cm2"}),
        ("j / µA cm-2", 1000.0, {"area": "1 cm2"}),
        ("Specific current (mA g-1)", 100.0, {"mass": "10 mg"}),
    ):
        raw = text(
            f"Time (s);Voltage (V);{header}",
            lambda t, v, i, k, c, f=factor: f"{t};{v};{i * f}",
        )
        check_halves(quiet(raw, current_sign="charge", **given))
        with pytest.raises(DataError, match="give the (area|mass)"):
            read(raw)


def test_names_of_steps():
    names = ["CC-D", "D_CC", "DCH", "CC DChg", "放电", "Entladen", "Discharge"]
    assert set(name_kinds(names).values()) == {1}
    names = ["CC-C", "C_CC", "CHA", "CCCV_Chg", "恒流恒压充电", "Laden", "Charge", "C"]
    assert set(name_kinds(names).values()) == {-1}
    assert set(name_kinds(["Rest", "PAU", "搁置", "OCV", "Pause", "R"]).values()) == {0}
    assert name_kinds(["CC", "Blorp"]) == {"CC": None, "Blorp": None}


def test_a_name_that_is_not_understood_is_said_and_its_sign_seen_from_the_voltage():
    names = {"D": "CC-D", "C": "Blorp", "R": "Rest"}
    raw = text(
        "Time (s),Voltage (V),Current (mA),Step Type",
        lambda t, v, i, k, c: f"{t},{v},{abs(i)},{names[k]}",
    )
    data = quiet(raw)
    assert "'Blorp' are not understood" in notes(data)
    assert "course of their voltage" in notes(data)
    check_halves(data)


def test_currents_of_one_sign_that_nothing_explains_are_refused():
    raw = text(
        "Time (s),Voltage (V),Current (mA)", lambda t, v, i, k, c: f"{t},{v},{abs(i)}"
    )
    with pytest.raises(DataError, match="All currents of the file have one sign"):
        read(raw)


def test_unsigned_currents_take_the_sign_of_the_capacity_that_grows():
    out = into = 0.0
    lines = ["Time (s),Step,Voltage (V),Current (mA),Charge Capacity (mAh),"
             "Discharge Capacity (mAh)"]  # fmt: skip
    last = 0
    for t, v, i, k, c in protocol():
        out, into = out + (t - last) / 3600 * (i < 0), into + (t - last) / 3600 * (i > 0)
        last = t
        lines.append(f"{t},{c}{'DRCX'.index(k)},{v},{abs(i)},{into:.5f},{out:.5f}")
    check_halves(quiet("\n".join(lines).encode()))


# What is read, against what else the file says.

TELLING = {
    "neware csv": ("cycler_files/neware_uio.csv", "Current(A):mA"),
    "neware nda": ("cycler_files/test.nda", "Current(mA):A"),
    "neware ndax": ("cycler_files/test.ndax", "Current(mA):A"),
    "biologic mpr": ("cycler_files/00_test_04_MB_C01.mpr", "I/mA:A"),
    "landt": ("cycler_files/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.csv",
              "current_A:mA"),
    "bdf": ("cycler_files/SINTEF__LiGrR2032__2024-04-30__25degC__Landt.bdf.csv",
            "current_ampere:mA"),
    "rate": ("rate_test_7_currents/newarenda_rate_7currents_VQ.csv", "current_mA:A"),
    "half cell": ("naxcoo2_c24/navani_jdb11_halfcell.csv", "current_mA:A"),
}  # fmt: skip


@pytest.mark.parametrize("name", TELLING)
def test_a_current_wrong_by_a_factor_is_found_in_measured_files(name):
    pytest.importorskip("galvani" if "mpr" in name else "NewareNDA")
    file, wrong = TELLING[name]
    path = measured(*file.split("/"))
    found = re.findall(
        r"a factor of (\d+) apart", notes(quiet(path, columns=f"current={wrong}"))
    )
    assert found and all(800 < int(factor) < 1200 for factor in found)
    assert not re.search(r"a factor of \d\d", notes(quiet(path)))


def with_capacity(path):
    """Write the protocol with capacity, energy, step time and stamps; columns by name."""
    frame = pd.DataFrame(
        [(t, v, i / 1e3, c) for t, v, i, _, c in protocol()],
        columns=["Test Time / s", "Voltage / V", "Current / A", "Cycle Count / 1"],
    )
    width = frame["Test Time / s"].diff().fillna(0)
    passed = (width * frame["Current / A"].abs() / 3600).cumsum()
    frame["Capacity / Ah"] = passed
    frame["Energy / Wh"] = (
        passed.diff().fillna(0) * (frame["Voltage / V"] + frame["Voltage / V"].shift().bfill())
        / 2
    ).cumsum()  # fmt: skip
    start = pd.Timestamp("2024-05-13 10:00:00")
    frame["Date Time"] = start + pd.to_timedelta(frame["Test Time / s"], unit="s")
    if path.suffix == ".xlsx":
        with pd.ExcelWriter(path) as book:
            pd.DataFrame({"Channel": [1], "Comment": ["x"]}).to_excel(
                book, sheet_name="info"
            )
            frame.to_excel(book, sheet_name="record", index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".txt" else ",")
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.xlsx", "a.parquet"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("current=Current / A:mA", "The charge from current and time"),
        ("time=Test Time / s:min", "date stamps of column 'Date Time' disagree"),
        ("voltage=Voltage / V:mV", "The energy from current and time"),
    ],
)
def test_a_reading_wrong_by_a_factor_contradicts_another_column(
    tmp_path, name, wrong, said
):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = with_capacity(tmp_path / name)
    sound = quiet(path)
    check_halves(sound)
    assert "apart" not in notes(sound)
    assert "mAh column agrees to 0.1 %" in metadata(sound, "recognised")
    found = notes(quiet(path, columns=wrong))
    assert said in found and "apart" in found


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("exampleDataBioLogic.mpt", "real=Re(Z)/Ohm:kohm,imaginary=-Im(Z)/Ohm:kohm"),
     ("exampleDataGamry.DTA", "real=Zreal [ohm]:kohm,imaginary=Zimag [ohm]:kohm"),
     ("exampleDataCHInstruments.txt", "real=Z'/ohm:kohm,imaginary=Z\"/ohm:kohm")],
)  # fmt: skip
def test_an_impedance_wrong_by_a_factor_contradicts_the_modulus(name, wrong):
    path = measured("impedance_references", "data", name)
    assert "apart" not in notes(quiet(path))
    assert "a factor of 1000 apart" in notes(quiet(path, columns=wrong))


def test_the_wrong_sign_of_the_imaginary_part_contradicts_the_phase():
    path = measured("impedance_references", "data", "exampleDataGamry.DTA")
    turned = quiet(path, columns="imaginary=-Zimag [ohm]")
    assert "sign of Im Z contradicts the phase" in notes(turned)


def test_a_stated_sign_that_the_voltage_contradicts_is_said():
    raw = text("Time (s),Voltage (V),Current (mA)", lambda t, v, i, k, c: f"{t},{v},{i}")
    assert "sign is probably the other one" in notes(quiet(raw, current_sign="discharge"))


# Rows that are none.


def lines_of(header="Time (s),Voltage (V),Current (mA)"):
    raw = text(header, lambda t, v, i, k, c: f"{t},{v},{i}")
    return raw.decode().splitlines()


@pytest.mark.parametrize(
    "line", ["# paused", "Pause by user", "", "--,--,--", "Event,stop,x"]
)
def test_a_line_of_words_between_the_rows_changes_nothing(line):
    lines = lines_of()
    lines.insert(40, line)
    data = quiet("\n".join(lines).encode(), current_sign="charge")
    assert data.sizes["time"] == 72
    check_halves(data)


def test_more_than_a_few_unreadable_rows_are_a_refusal_that_quotes_one():
    lines = lines_of()
    for k in range(10, 40, 5):
        lines[k] = lines[k].rsplit(",", 1)[0] + ",OVERLOAD"
    with pytest.raises(DataError, match=r"6 of 72 rows.*row 10.*OVERLOAD"):
        read("\n".join(lines).encode())


def test_nothing_is_integrated_over_rows_that_were_lost():
    lines = lines_of()
    del lines[5:9]  # a stretch of the first discharge
    shown = quiet("\n".join(lines).encode(), current_sign="charge")
    assert half_cycles(shown)[0].capacity * 1e3 == pytest.approx(1.0), (
        "one gap of four rows"
    )
    data = time_series(
        {"Time [s]": [*range(0, 600, 10), *range(4000, 4600, 10)],
         "Current [A]": [1.0] * 120, "Voltage [V]": [2.0] * 120}
    )  # fmt: skip
    assert passed_by_current(data).sum() == pytest.approx(2 * 590)


def test_rows_of_cycles_and_steps_above_their_records_are_passed_over():
    lines = [",,Record,Test Time(s),Voltage(V),Current(mA)"]
    for n, (t, v, i, k, c) in enumerate(protocol()):
        if n in (0, 36):
            lines.append(f"{c},,,,,")
        if k != (protocol()[n - 1][3] if n else ""):
            lines.append(f",{n},{k},0.5,1,")
        lines.append(f",,{n},{t},{v},{i}")
    check_halves(quiet("\n".join(lines).encode(), current_sign="charge"))


# Noise, strays, small currents.


@pytest.mark.parametrize("size", [2e-4, 3e-3, 1e-2])
def test_noise_at_rest_is_no_half_cycle(size):
    rng = np.random.default_rng(3)
    raw = text(
        "Time (s),Voltage (V),Current (mA)",
        lambda t, v, i, k, c: f"{t},{v},{i or rng.uniform(-size, size):.6f}",
    )
    check_halves(quiet(raw, current_sign="charge"))


def test_a_constant_offset_at_rest_is_no_half_cycle():
    raw = text(
        "Time (s),Voltage (V),Current (mA)", lambda t, v, i, k, c: f"{t},{v},{i or 4e-4}"
    )
    check_halves(quiet(raw, current_sign="charge"))


def test_a_small_steady_current_between_rests_is_a_step_of_its_own():
    time = np.arange(0, 6000.0, 10)
    current = np.where(time < 1000, 1.0, 0.0)
    current[(time >= 3000) & (time < 4000)] = 0.005
    data = time_series({"Time [s]": time, "Current [A]": current})
    assert [s.kind for s in segments(data)] == [1, 0, 1, 0]


def test_a_stray_sample_takes_the_kind_of_its_surroundings():
    time = np.arange(0, 3000.0, 10)
    current = np.where(time < 1500, -1.0, 0.0)
    current[[50, 220]] = (0.0, 0.2)
    kind = row_kinds(time_series({"Time [s]": time, "Current [A]": current}))
    assert kind.tolist() == [-1] * 150 + [0] * 150


def test_the_first_interval_of_a_step_counts():
    data = time_series(
        {"Time [s]": np.arange(0, 200.0, 10), "Current [A]": [0.0] * 5 + [1.0] * 10 + [0.0] * 5,
         "Voltage [V]": [2.0] * 20}
    )  # fmt: skip
    assert half_cycles(data)[0].capacity * 3600 == pytest.approx(100.0)


# Choosing.


def test_choices_of_a_series():
    data = quiet(text("Time (s),Voltage (V),Current (mA)",
                      lambda t, v, i, k, c: f"{t},{v},{i}"), current_sign="charge")  # fmt: skip
    second = select(data, cycles="2")
    assert float(second["Time [s]"][0]) == 9600
    assert select(data, drop=1).equals(second)
    charges = select(data, half="charge")
    assert [h.direction for h in half_cycles(charges)] == ["charge"] or len(
        half_cycles(charges)
    ) == 2
    assert sum(h.capacity for h in half_cycles(charges)) * 1e3 == pytest.approx(2.0)
    inside = select(data, window="1.5V,2.0V")
    assert (
        1.5
        <= float(inside["Voltage [V]"].min())
        <= float(inside["Voltage [V]"].max())
        <= 2.0
    )
    with pytest.raises(ParameterError, match="There is no cycle 3 .* 1 to 2"):
        select(data, cycles="1-7")
    with pytest.raises(ParameterError, match="no choice of frequencies"):
        select(data, frequencies="1MHz,0.1Hz")
    with pytest.raises(ParameterError, match="must be numbers and ranges"):
        select(data, cycles="a-b")
    with pytest.raises(ParameterError, match="'discharge' or 'charge'"):
        select(data, half="upper")


def test_choices_of_a_spectrum():
    data = quiet(FILES / "spectrum.csv")
    kept = select(data, frequencies="10kHz,10Hz", drop="1,2")
    f = kept["Frequency [Hz]"].values
    assert f.max() <= 1e4 * 1.001 and f.min() >= 9.99
    assert select(data, drop="1").sizes["frequency"] == data.sizes["frequency"] - 1
    with pytest.raises(ParameterError, match="no point 99"):
        select(data, drop=99)


def test_a_voltammogram_without_time_has_it_from_its_scan_rate():
    rows = [f"{1 + 0.01 * k:.2f},{k % 7 + 1}" for k in range(50)]
    raw = "\n".join(["E/V,I/mA", *rows]).encode()
    data = quiet(raw, scan_rate="0.1 mV/s", current_sign="charge")
    assert float(data["Time [s]"][-1]) == pytest.approx(4900)
    with pytest.raises(DataError, match="no column for time"):
        read(raw)


# Bytes and limits.


@pytest.mark.parametrize(
    "name", ["plain.csv", "neware.csv", "spectrum.DTA", "cell.bdf.csv"]
)
def test_bytes_read_like_the_file(name):
    path = FILES / name
    assert quiet(path.read_bytes(), name=name).equals(quiet(path))


def test_limits_of_size_and_rows():
    raw = (FILES / "plain.csv").read_bytes()
    with pytest.raises(DataError, match="allowed are"):
        read(raw, max_bytes=100)
    with pytest.raises(DataError, match=r"rows; allowed are 5"):
        read(raw, max_rows=5)
    with pytest.raises(DataError, match="is empty"):
        read(b"")


def test_sheets_that_go_on_are_joined(tmp_path):
    rows = pd.DataFrame(protocol(), columns=["Test Time (s)", "Voltage (V)", "Current (mA)",
                                             "State", "Cycle"])  # fmt: skip
    path = tmp_path / "arbin.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([["Serial", 1], ["Mass", 2]]).to_excel(book, sheet_name="Global_Info")
        rows[:40].to_excel(book, sheet_name="Channel_1", index=False)
        rows[40:].to_excel(book, sheet_name="Channel_1_1", index=False)
    data = quiet(path)
    check_halves(data)
    assert quiet(path.read_bytes(), name="arbin.xlsx").equals(data)
    assert "2 sheets" in notes(data)


# Writing.


@pytest.mark.parametrize("name", ["cycler_files/test.ndax", "cycler_files/neware_uio.csv"])
def test_bdf_passes_its_own_validator_and_reads_back(tmp_path, name):
    validate = pytest.importorskip("bdf.validate")
    data = quiet(measured(*name.split("/")))
    frame = pd.read_csv(write_bdf(data, tmp_path / "x.bdf.csv"))
    report = validate.validate_df(frame)
    assert report["ok"] and not report["legacy_labels"]
    for column in ("Charging Capacity / Ah", "Discharging Capacity / Ah", "Step Count / 1"):
        assert np.all(np.diff(frame[column]) >= 0)
    net = frame["Charging Capacity / Ah"] - frame["Discharging Capacity / Ah"]
    np.testing.assert_allclose(frame["Net Capacity / Ah"], net, atol=1e-12)
    again = quiet(tmp_path / "x.bdf.csv")
    for variable in ("Time [s]", "Voltage [V]", "Current [A]", "Cycle", "Step"):
        np.testing.assert_array_equal(again[variable], data[variable])


def test_a_spectrum_is_no_bdf_and_no_other_table_has_its_name(tmp_path):
    with pytest.raises(DataError, match="no table for impedance"):
        write_bdf(quiet(FILES / "spectrum.csv"), tmp_path / "x.bdf.csv")
    with pytest.raises(ParameterError, match="Battery Data Format"):
        save_dataset(quiet(FILES / "plain.csv"), tmp_path / "x.bdf.csv")


def test_labels_with_a_hash_survive_the_own_table(tmp_path):
    data = time_series({"Time [s]": [0.0, 1.0], "Voltage [V]": [1.0, 2.0],
                        "Current [A]": [0.0, 0.0], "Cell #3 [V]": [1.0, 2.0]},
                       {"cell": "batch #7"})  # fmt: skip
    again = quiet(save_dataset(data, tmp_path / "a.csv"))
    assert again.equals(data) and metadata(again, "cell") == "batch #7"


# Damaged files.


def damage(seeds):
    for seed in seeds:
        files = sources()
        path = files[(seed * 7919) % len(files)]
        name, raw, _ = mutated(path, seed)
        begin = clock.perf_counter()
        try:
            data = quiet(raw, name=name)
        except (DataError, ParameterError) as error:
            assert "\n" not in str(error) and len(str(error)) < 1000
        else:
            assert np.isfinite(data["Frequency [Hz]" if "frequency" in data.dims else
                                    "Time [s]"]).all()  # fmt: skip
        assert clock.perf_counter() - begin < 20, f"mutation {seed} of {name}"


def test_damaged_files_give_an_answer_or_a_sentence():
    damage(np.random.default_rng(11).integers(0, 5000, 250).tolist())


@pytest.mark.slow
def test_five_thousand_damaged_files_give_an_answer_or_a_sentence():
    damage(range(5000))


@pytest.mark.parametrize(
    ("row", "cells", "said"),
    [(20, "5700,24000,-1", "voltage beyond 20 V"), (8, "2100,1.7,-1000", "ten times")],
)
def test_one_sample_that_no_cell_can_have_is_not_believed(row, cells, said):
    lines = lines_of()
    lines[row] = cells
    data = quiet("\n".join(lines).encode(), current_sign="charge")
    assert said in notes(data) and data.sizes["time"] == 71
    assert half_cycles(data)[0].capacity * 1e3 == pytest.approx(1.0)


@pytest.mark.parametrize("pair", ["Time (s),Current (mA)", "Voltage (V),Current (mA)"])
def test_swapped_columns_are_refused_in_any_pair(pair):
    one, other = pair.split(",")
    header = "Time (s),Voltage (V),Current (mA)"
    swapped = header.replace(one, "?").replace(other, one).replace("?", other)
    with pytest.raises(DataError, match="look swapped|runs backwards|different values"):
        read(text(swapped, lambda t, v, i, k, c: f"{t},{v},{i}"))
