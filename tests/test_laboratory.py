"""Pellets, polarisation, transference and critical currents made with known answers."""

import json

import numpy as np
import pytest
from measured import measured

from sscell.analysis import conductivities, critical_current, polarisation, transference
from sscell.cli import main
from sscell.dataset import save_dataset, spectrum, time_series
from sscell.errors import DataError, ParameterError

F = np.logspace(6, -1, 43)
L, A = 0.05, 0.785  # cm, cm2
NOISE = 2e-3


def spectra(z, seed=0, f=F, noise=NOISE, **attributes):
    rng = np.random.default_rng(seed)
    z = z * (1 + noise * (rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))))
    columns = {"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag}
    return spectrum(columns, attributes)


def arc(resistance, capacity, exponent=0.93, f=F):
    return resistance / (1 + (2j * np.pi * f * resistance * capacity) ** exponent)


def tail(size=2e-6, exponent=0.9, f=F):
    return 1 / ((2j * np.pi * f) ** exponent * size)


def line(ion, electron, capacity=2e-3, exponent=0.95, f=F):
    total = ion + electron
    parallel = ion * electron / total
    u = np.sqrt(total * capacity * (2j * np.pi * f) ** exponent)
    return parallel + total / u / np.tanh(u) - 2 * parallel / u * np.tanh(u / 2)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    out, said = capsys.readouterr()
    return left.value.code, out, said


def covered(pairs):
    """How many of (found, error) hold the true value 1 within 90 %, and the worst miss."""
    z = np.array([(found - 1) / error for found, error in pairs])
    return int(np.sum(np.abs(z) < 1.645)), float(np.abs(z).max())


def test_published_energies_of_the_conductor_by_one_command(capsys, tmp_path):
    folder = ("solid_conductor_eis", "EIS_Data", "Example-3-4")
    celsius = range(140, 201, 10)
    files = [measured(*folder, f"s04147-{t}deg.txt") for t in celsius]
    figure = tmp_path / "arrhenius.png"
    code, out, said = run(
        capsys, "analyse", *files, *(x for t in celsius for x in ("-T", t)), "--kind",
        "conductivity", "--thickness", "0.5mm", "--diameter", "10mm", "--json", "--plot", figure,
    )  # fmt: skip
    assert code == 0, said
    result = json.loads(out)
    energy = result["activation_energy_eV"]
    assert energy["bulk"]["value"] == pytest.approx(0.587, abs=0.005)
    assert energy["bulk"]["std_error"] == pytest.approx(0.016, abs=0.002)
    assert energy["grain_boundary"]["value"] == pytest.approx(0.892, abs=0.003)
    assert result["arrhenius_form"] == "ln(sigma T)"
    assert [p["temperature_C"] for p in result["points"]] == list(celsius)
    assert all(p["bulk_S_cm"] > p["grain_boundary_S_cm"] for p in result["points"])
    assert figure.stat().st_size > 10_000


def test_conductivities_are_thickness_over_resistance_and_area():
    z = arc(200, 3e-11) + arc(800, 3e-9) + tail()
    point = conductivities(spectra(z), thickness_cm=L, area_cm2=A)["points"][0]
    for name, ohm in (("bulk", 200), ("grain_boundary", 800), ("total", 1000)):
        true = L / (ohm * A)
        assert point[f"{name}_S_cm"] == pytest.approx(true, rel=0.06)
        assert abs(point[f"{name}_S_cm"] - true) < 3.5 * point[f"{name}_std_error"]


def test_without_an_arc_only_the_total_is_told():
    """A sulfide at 25 degC: the arc is faster than the measurement."""
    found = conductivities(spectra(60 + tail()), thickness_cm=L, area_cm2=A)
    point = found["points"][0]
    assert point["bulk_S_cm"] is None and point["grain_boundary_S_cm"] is None
    assert point["total_S_cm"] == pytest.approx(L / (60 * A), rel=0.01)
    assert any("No arc is seen" in w for w in found["warnings"])


def test_interfaces_of_metal_electrodes_are_no_part_of_the_pellet():
    z = arc(200, 3e-11) + arc(150, 2e-6)
    point = conductivities(spectra(z), thickness_cm=L, area_cm2=A)["points"][0]
    assert point["total_ohm"] == pytest.approx(200, rel=0.02)
    assert point["grain_boundary_S_cm"] is None


def test_grain_boundary_alone_leaves_the_bulk_at_the_highest_frequencies():
    z = 50 + arc(400, 3e-9) + tail()
    found = conductivities(spectra(z), thickness_cm=L, area_cm2=A)
    point = found["points"][0]
    assert point["bulk_ohm"] == pytest.approx(50, rel=0.03)
    assert point["grain_boundary_ohm"] == pytest.approx(400, rel=0.03)
    assert any("faster than the measurement" in w for w in found["warnings"])


def test_without_sizes_energies_are_those_of_the_resistances():
    sets = []
    for k, celsius in enumerate((20, 40, 60, 80)):
        size = 500 * (celsius + 273.15) / 293.15
        size *= np.exp(0.3 / 8.617333e-5 * (1 / (celsius + 273.15) - 1 / 293.15))
        sets.append(spectra(arc(size, 3e-11) + tail(), k, temperature_C=float(celsius)))
    found = conductivities(sets)
    assert found["points"][0]["bulk_S_cm"] is None
    assert found["arrhenius_form"] == "ln(T/R)"
    energy = found["activation_energy_eV"]["bulk"]
    assert energy["value"] == pytest.approx(0.3, abs=0.005)
    assert found["activation_energy_eV"]["grain_boundary"] is None


def test_pressure_series_has_the_exponent_that_was_put_in():
    pressures = [25.0, 50.0, 100.0, 400.0]
    sets = [
        spectra(arc(500 * (p / 100) ** -0.2, 3e-11) + tail(), k)
        for k, p in enumerate(pressures)
    ]
    found = conductivities(sets, pressures=pressures, thickness_cm=L, area_cm2=A)
    exponent = found["pressure_exponent"]
    assert exponent["value"] == pytest.approx(0.2, abs=0.01)
    assert abs(exponent["value"] - 0.2) < 3 * exponent["std_error"]
    assert [p["pressure_MPa"] for p in found["points"]] == pressures
    assert found["activation_energy_eV"]["total"] is None


@pytest.mark.parametrize(
    ("ion", "electron", "separator"), [(300, 3, 50), (300, 100, 50), (300, 30, 0)]
)
def test_composites_have_their_resistances_within_5_percent(ion, electron, separator):
    f = np.logspace(6, -2, 61)
    data = spectra(separator + line(ion, electron, f=f), 1, f)
    found = conductivities(data)["composite"]
    assert found["r_ion_ohm"] == pytest.approx(ion, rel=0.05)
    assert abs(found["r_ion_ohm"] - ion) < 3 * found["r_ion_std_error"]
    if found["r_electron_ohm"] is not None:
        miss = abs(found["r_electron_ohm"] - electron)
        assert miss < 3 * found["r_electron_std_error"]


def test_composite_between_blocking_electrodes_tells_both_resistances():
    """High: R_i R_e/(R_i + R_e); low: R_e, the electronic leak."""
    f, ion, electron = np.logspace(6, -3, 46), 120.0, 800.0
    total = ion + electron
    u = np.sqrt(total * 2e-3 * (2j * np.pi * f) ** 0.9)
    z = ion * electron / total + electron**2 / total * np.tanh(u / 2) / (u / 2)
    assert z[-1].real == pytest.approx(electron, rel=2e-2)
    found = conductivities(spectra(z, 3, f), composite=True)["composite"]
    for name, true in (("ion", ion), ("electron", electron)):
        assert found[f"r_{name}_ohm"] == pytest.approx(true, rel=0.05)
        assert abs(found[f"r_{name}_ohm"] - true) < 3 * found[f"r_{name}_std_error"]


def test_a_known_separator_tells_equal_phases_from_one():
    """R and R look like R/2 beside a perfect conductor, in series with R/2."""
    f = np.logspace(5, -2, 40)
    data = spectra(80 + line(200, 200, f=f), 1, f)
    blind = conductivities(data)["composite"]
    assert blind["r_ion_ohm"] == pytest.approx(100, rel=0.05)
    assert blind["r_electron_ohm"] is None
    told = conductivities(data, series_resistance_ohm=80.0)["composite"]
    assert told["r_ion_ohm"] == pytest.approx(200, rel=0.05)
    assert told["r_electron_ohm"] == pytest.approx(200, rel=0.05)
    with pytest.raises(ParameterError, match="more than that"):
        conductivities(data, series_resistance_ohm=1e3)


def test_currents_that_settle_by_diffusion_are_no_single_exponential():
    t = np.arange(5.0, 1800.0, 5.0)
    decay = sum(np.exp(-(t * k**2) / 400) for k in range(1, 8))
    i = 1e-6 * (1 + 2 * decay) + 2e-9 * np.random.default_rng(0).normal(size=len(t))
    data = time_series({"Time [s]": t, "Voltage [V]": 0 * t + 0.2, "Current [A]": i})
    found = polarisation(data, blocking="ions")
    assert abs(found["resistance_ohm"] / 2e5 - 1) < 3 * found["resistance_std_error"] / 2e5
    assert found["resistance_std_error"] < 0.005 * 2e5


def test_transmission_line_has_both_limits_of_its_derivation():
    """High: R_i R_e/(R_i + R_e); low: (R_i + R_e)/3 in series with the capacitance."""
    from sscell.analysis.ladders import _line

    ion, electron = 300.0, 100.0
    total, parallel = ion + electron, ion * electron / (ion + electron)
    for square, limit in ((1e12j, parallel), (1e-6j, total / 3)):
        z = _line(total, parallel / total, np.array([square]))[0]
        assert z.real == pytest.approx(limit, rel=1e-3)


def held(seed, steps=(0.01, 0.02, 0.03, 0.04, 0.05), tau=60.0, noise=5e-3, leak=0.0):
    """Ion-blocking cell: 0.5 MOhm for electrons beside 20 kOhm for ions with a capacitance."""
    rng, t, i, v = np.random.default_rng(seed), [], [], []
    for k, volts in enumerate(steps):
        time = np.arange(1.0, 1200.0, 5.0)
        current = volts / 5e5 + volts / 2e4 * np.exp(-time / tau) + leak
        t.append(1200 * k + time)
        i.append(current + noise * abs(volts) / 5e5 * rng.normal(size=len(time)))
        v.append(np.full(len(time), volts))
    columns = {"Time [s]": t, "Current [A]": i, "Voltage [V]": v}
    return time_series({n: np.concatenate(parts) for n, parts in columns.items()})


@pytest.mark.parametrize(
    "options",
    [{}, {"leak": 2e-9}, {"steps": (0.02,)}, {"tau": 400.0}, {"steps": (-0.02, 0.02)},
     {"noise": 3e-2}],
)  # fmt: skip
def test_polarisation_covers_its_conductivity(options):
    true, pairs = L / (5e5 * A), []
    for seed in range(20):
        found = polarisation(
            held(seed, **options), blocking="ions", thickness_cm=L, area_cm2=A
        )
        pairs.append((found["conductivity_S_cm"] / true, found["std_error"] / true))
        assert found["conducts"] == "electronic"
    inside, worst = covered(pairs)
    assert inside >= 16 and worst < 4
    if options.get("tau"):
        assert not any(s["settled"] for s in found["steps"])
        assert any("extrapolated" in w for w in found["warnings"])


def test_series_resistance_tortuosity_and_bad_options():
    data = held(0)
    options = {"blocking": "electrons", "thickness_cm": L, "area_cm2": A}
    bare = polarisation(data, **options)
    less = polarisation(data, **options, series_resistance_ohm=1e5)
    assert less["resistance_ohm"] == pytest.approx(bare["resistance_ohm"] - 1e5)
    bulk = 10 * bare["conductivity_S_cm"]
    found = polarisation(data, **options, bulk_conductivity_S_cm=bulk, volume_fraction=0.4)
    assert found["effective_fraction"] == pytest.approx(0.1)
    assert found["tortuosity"] == pytest.approx(4.0)
    with pytest.raises(ParameterError, match="'ions' or 'electrons'"):
        polarisation(data, blocking="holes")
    with pytest.raises(ParameterError, match="more than the"):
        polarisation(data, **options, series_resistance_ohm=1e7)


def bruce_vincent(seed, number=0.35, missed=0.0):
    """Step of 10 mV and spectra; the first `missed` seconds of the current are not seen."""
    rng, f = np.random.default_rng(seed), np.logspace(6, -1, 57)
    bulk, before, after, volts = 200.0, 80.0, 95.0, 0.01
    sets = [
        spectra(bulk + r / (1 + (2j * np.pi * f * 2e-3) ** 0.9), seed + 50 * k, f)
        for k, r in enumerate((before, after), start=1)
    ]
    first = volts / (bulk + before)
    last = number * first * volts / (volts - first * before + number * first * after)
    t = np.arange(missed, 15000.0, 20.0)
    i = last + (first - last) * np.exp(-t / 1500)
    i = i * (1 + NOISE * rng.normal(size=len(t)))
    step = time_series(
        {"Time [s]": t - missed, "Voltage [V]": 0 * t + volts, "Current [A]": i}
    )
    return step, *sets


@pytest.mark.parametrize("missed", [0.0, 400.0])
@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(20), marks=pytest.mark.slow)]
)
def test_transference_covers_its_number(missed, seeds):
    pairs = []
    for seed in seeds:
        found = transference(*bruce_vincent(seed, missed=missed))
        pairs.append((found["number"] / 0.35, found["std_error"] / 0.35))
    inside, worst = covered(pairs)
    assert inside >= 0.8 * len(pairs) - 1 and worst < 4
    assert any("sampling missed it" in w for w in found["warnings"]) == (missed > 0)


def test_blocking_electrodes_are_refused_for_transference():
    step, *_ = bruce_vincent(0)
    blocked = spectra(200 + tail())
    with pytest.raises(DataError, match="--kind polarisation"):
        transference(step, blocked, blocked)


def ramp(seed=0, fail=None, kind=None, noise=1e-4):
    """Plating and stripping of an hour at 60 Ohm cm2, failing half way through a step."""
    rng, t, i, v, start = np.random.default_rng(seed), [], [], [], 0.0
    for k, density in enumerate(np.arange(1, 11) / 10):
        for sign in (1, -1):
            time = np.arange(0, 3600.0, 30.0)
            volts = sign * density * 1e-3 * 60 * (1 + 0.05 * np.exp(-time / 300))
            if fail is not None and (k > fail or (k == fail)):
                late = (time > 1800) if (k == fail and sign > 0) else time >= 0
                left = {"soft": 0.55, "hard": 0.03}.get(kind, 1.0)
                volts = np.where(late, volts * left, volts)
                if kind == "contact":
                    volts = volts * (1 + 6 * (time / 3600) ** 2)
            t.append(start + time)
            i.append(np.full(len(time), sign * density * 1e-3 * A))
            v.append(volts + noise * rng.normal(size=len(time)))
            start += 3640
    columns = {"Time [s]": t, "Current [A]": i, "Voltage [V]": v}
    columns = {n: np.concatenate(parts) for n, parts in columns.items()}
    return time_series(columns, {"area_cm2": A})


def test_steps_of_a_sound_symmetric_cell():
    found = critical_current(ramp())
    assert found["at_least_mA_cm2"] == pytest.approx(1.0)
    assert found["critical_current_mA_cm2"] is None and found["short"] is None
    assert found["first_failed_mA_cm2"] is None
    for step, density in zip(found["steps"], np.arange(1, 11) / 10, strict=True):
        assert step["current_mA_cm2"] == pytest.approx(density)
        assert step["overpotential_V"] == pytest.approx(density * 0.06, rel=0.02)
        assert step["area_resistance_ohm_cm2"] == pytest.approx(60, rel=0.02)


@pytest.mark.parametrize("kind", ["soft", "hard"])
@pytest.mark.parametrize("noise", [1e-4, 1e-3])
def test_shorts_are_told_with_the_last_stable_current(kind, noise):
    for seed in range(10):
        found = critical_current(ramp(seed, fail=5, kind=kind, noise=noise))
        assert found["critical_current_mA_cm2"] == pytest.approx(0.5)
        assert found["first_failed_mA_cm2"] == pytest.approx(0.6)
        assert found["at_least_mA_cm2"] is None
        assert found["short"]["step"] == 6 and found["short"]["kind"] == kind


def test_lost_contact_is_no_short():
    found = critical_current(ramp(fail=4, kind="contact"))
    assert found["critical_current_mA_cm2"] == pytest.approx(0.4)
    assert found["short"] is None and found["failure"] == "lost contact"


def discharge():
    t = np.linspace(0, 7200, 200)
    i = np.where(t < 3600, -1e-3, 1e-3)
    v = np.where(t < 3600, 2 + t / 9000, 2.4 - (t - 3600) / 9000)
    return time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": v})


def sweeps():
    """A voltammogram of a cell."""
    v = np.concatenate([np.linspace(2.5, 4.2, 300), np.linspace(4.2, 2.5, 300)])
    up, down = (np.exp(-(((v - at) / 0.1) ** 2)) for at in (3.6, 3.4))
    i = 1e-4 * np.where(np.arange(600) < 300, -up, down)
    return time_series(
        {"Time [s]": np.arange(600) * 57.0, "Voltage [V]": v, "Current [A]": i}
    )


def decay():
    t = np.arange(1.0, 3600.0, 5.0)
    t_all = np.concatenate([np.arange(-600.0, 0.0, 10.0), t]) + 600
    v = np.where(t_all < 600, 2.5, 2.3)
    i = np.concatenate([np.zeros(60), 1e-4 * t**-0.5])
    return time_series({"Time [s]": t_all, "Voltage [V]": v, "Current [A]": i})


@pytest.mark.parametrize(
    ("made", "asked", "fitting"),
    [
        (held, "step", "polarisation"), (held, "rate", "polarisation"),
        (held, "ccd", "polarisation"), (held, "cycles", "polarisation"),
        (ramp, "rate", "ccd"), (ramp, "step", "ccd"), (ramp, "cycles", "ccd"),
        (ramp, "gitt", "ccd"), (ramp, "polarisation", "ccd"),
        (discharge, "ccd", "rate or cycles"), (discharge, "polarisation", "rate or cycles"),
        (decay, "polarisation", "step"), (decay, "ccd", "step"), (decay, "rate", "step"),
        (sweeps, "ccd", "cv"), (sweeps, "rate", "cv"), (sweeps, "step", "cv"),
        (discharge, "cv", "rate or cycles"), (discharge, "gitt", "rate or cycles"),
    ],
)  # fmt: skip
def test_data_of_another_experiment_name_the_kind_that_fits(
    capsys, tmp_path, made, asked, fitting
):
    data = made(0) if made in (held, ramp) else made()
    file = save_dataset(data, tmp_path / "made.nc")
    code, out, said = run(capsys, "analyse", file, "--kind", asked, "--area", "1cm2")
    assert code == 2 and out == ""
    assert f"--kind {fitting}" in said.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("made", "kind", "options", "fields"),
    [
        (held, "polarisation", ("--blocking", "ions", "--thickness", "0.5mm"),
         {"steps", "conductivity_S_cm", "std_error"}),
        (ramp, "ccd", (), {"steps", "critical_current_mA_cm2", "first_failed_mA_cm2",
                           "at_least_mA_cm2", "short"}),
        (decay, "step", (), {"diffusion_coefficient_cm2_s"}),
        (discharge, "rate", (), {"capacities_mAh"}),
    ],
)  # fmt: skip
def test_commands_print_the_fields_of_the_contract(
    capsys, tmp_path, made, kind, options, fields
):
    data = made(0) if made in (held, ramp) else made()
    file = save_dataset(data, tmp_path / "made.nc")
    figure = () if kind == "step" else ("--plot", tmp_path / "figure.png")
    code, out, said = run(
        capsys, "analyse", file, "--kind", kind, "--diameter", "10mm", *options, *figure, "--json"
    )  # fmt: skip
    assert code == 0, said
    assert fields <= set(json.loads(out))


def test_transference_takes_a_step_and_two_spectra(capsys, tmp_path):
    files = [
        save_dataset(one, tmp_path / f"{k}.nc") for k, one in enumerate(bruce_vincent(0))
    ]
    code, out, said = run(capsys, "analyse", *files, "--kind", "transference", "--json")
    assert code == 0, said
    assert json.loads(out)["number"] == pytest.approx(0.35, abs=0.005)
    code, _, said = run(capsys, "analyse", files[0], "--kind", "transference")
    assert code == 2 and "takes three files" in said


def test_options_that_do_not_match_the_files_are_refused(capsys, tmp_path):
    file = save_dataset(spectra(60 + tail()), tmp_path / "one.nc")
    for options, message in (
        (("-T", "25", "-T", "60"), "once, or once a file"),
        (("--area", "1cm2", "--diameter", "1cm"), "not both"),
        (("--thickness", "-1mm"), "must be positive"),
    ):
        code, _, said = run(capsys, "analyse", file, "--kind", "conductivity", *options)
        assert code == 2 and message in said
