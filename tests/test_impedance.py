"""Impedance against published fits, exact distributions and spectra that break the rules."""

import re
import warnings

import numpy as np
import pytest
from measured import measured

from sscell.analysis import arrhenius, drt, eis, fit_circuit, kramers_kronig
from sscell.dataset import spectrum
from sscell.errors import DataError, ParameterError
from sscell.readers import read

CIRCUIT = "p(R1,CPE1)-p(R2,CPE2)-CPE3"


def quiet(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(path)


def as_data(f, z, **attributes):
    columns = {"Frequency [Hz]": f, "Z real [Ohm]": z.real, "Z imaginary [Ohm]": z.imag}
    return spectrum(columns, attributes)


def zarc(f, resistance, tau, phi):
    return resistance / (1 + (2j * np.pi * f * tau) ** phi)


def zarc_density(s, resistance, tau, phi):
    """gamma(ln tau) = R/(2 pi) sin((1-phi) pi) / (cosh(phi ln(tau/tau0)) - cos((1-phi) pi))."""
    x = s - np.log(tau)
    top = resistance / (2 * np.pi) * np.sin((1 - phi) * np.pi)
    return top / (np.cosh(phi * x) - np.cos((1 - phi) * np.pi))


def published(report):
    rows = re.finditer(r"^(\w\d) =\s+(\S+)\s+(\S+)\s", report, re.MULTILINE)
    return [(float(m[2]), float(m[3])) for m in rows]


def same_arcs(peaks, exact):
    """Peak positions over the exact ones, and areas over those of the exact density.

    The areas of overlapping ZARCs are compared between the same minima: that is what a
    distribution defines.
    """
    s = np.linspace(np.log(1e-9), np.log(1e4), 60000)
    density = sum(zarc_density(s, *arc) for arc in exact)
    tops = [int(np.argmin(np.abs(s - np.log(arc[1])))) for arc in exact]
    cuts = [a + int(np.argmin(density[a:b])) for a, b in zip(tops, tops[1:], strict=False)]
    edges = [0, *cuts, len(s)]
    found = []
    for k, arc in enumerate(exact):
        near = min(peaks, key=lambda p: abs(np.log(p["tau_s"] / arc[1])))
        part = slice(edges[k], edges[k + 1])
        area = np.trapezoid(density[part], s[part])
        found.append((near["tau_s"] / arc[1], near["area_ohm"] / area))
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "exact"),
    [("1ZARC", [(50, 0.1, 0.8)])]
    + [(f"2ZARC{k}", [(50, 1e-4, 0.8), (r, 0.1, 0.8)])
       for k, r in enumerate((10, 20, 30, 50, 100, 200))],
)  # fmt: skip
def test_exact_distributions_are_recovered_from_noisy_spectra(name, exact):
    data = quiet(measured("drt_references", "tutorial", "data", f"{name}.csv"))
    ratios = same_arcs(drt(data).peaks, exact)
    assert np.all(np.abs(ratios[:, 0] - 1) < 0.10), "peak positions within 10 %"
    assert np.all(np.abs(ratios[:, 1] - 1) < 0.05), "areas within 5 %"


def test_distribution_of_an_ideal_spectrum_is_exact_within_a_percent():
    f = np.logspace(6, -2, 81)
    z = 10 + zarc(f, 50, 1e-4, 0.8) + zarc(f, 30, 1e-1, 0.8)
    found = drt(as_data(f, z))
    ratios = same_arcs(found.peaks, [(50, 1e-4, 0.8), (30, 1e-1, 0.8)])
    assert np.all(np.abs(ratios - 1) < 0.02)
    assert found.series_resistance == pytest.approx(10, rel=0.02)
    assert len(found.peaks) == 2 and all(p["closed"] for p in found.peaks)


def test_distribution_is_non_negative_and_its_area_is_the_polarisation_resistance():
    f = np.logspace(5, -1, 61)
    found = drt(as_data(f, 5 + zarc(f, 20, 1e-2, 0.9)))
    assert np.all(found.gamma >= 0)
    area = np.trapezoid(found.gamma, np.log(found.tau))
    assert area == pytest.approx(20, rel=0.01)
    assert found.peaks[0]["frequency_Hz"] == pytest.approx(1 / (2 * np.pi * 1e-2), rel=0.03)


def test_more_regularisation_makes_a_smoother_distribution():
    f = np.logspace(5, -1, 61)
    data = as_data(f, 5 + zarc(f, 20, 1e-2, 0.95))
    heights = [drt(data, regularisation=x).gamma.max() for x in (1e-4, 1e-1, 1e2)]
    assert heights[0] > heights[1] > heights[2]


def test_process_at_the_edge_of_the_data_is_not_called_a_resistance():
    f = np.logspace(5, 0, 51)
    z = 10 + zarc(f, 50, 1e-4, 1.0) + 30 / np.sqrt(2j * np.pi * f)
    found = drt(as_data(f, z))
    assert not found.peaks[-1]["closed"]
    assert any("edge" in w for w in found.warnings)
    result = eis(as_data(f, z, area_cm2=2.0))
    assert result["interfacial_resistance_ohm_cm2"] == pytest.approx(100, rel=0.1)


def test_kramers_kronig_passes_a_valid_and_refuses_a_drifting_spectrum():
    f = np.logspace(5, -1, 61)
    z = 10 + zarc(f, 50, 1e-3, 0.9) + 1 / (2j * np.pi * f * 0.1)
    noise = np.random.default_rng(0).normal(0, 1e-3, (2, len(f)))
    noisy = z * (1 + noise[0]) + 1j * noise[1] * np.abs(z)
    assert kramers_kronig(as_data(f, noisy)).valid
    # The resistance of the arc doubles while the sweep goes from fast to slow.
    drifting = 10 + zarc(f, 50, 1e-3, 0.9) * np.linspace(1, 2, len(f)) ** 3
    outcome = kramers_kronig(as_data(f, drifting))
    assert not outcome.valid
    assert "Kramers-Kronig" in outcome.warnings[0]


def test_circuit_of_the_published_pellet_is_reproduced():
    pytest.importorskip("impedance")
    folder = ("solid_conductor_eis", "Example_scripts", "Example2")
    report = measured(*folder, "EIS_fit_report.txt").read_text()
    data = quiet(measured("solid_conductor_eis", "EIS_Data", "Example-2", "Example2b.txt"))
    # The published fit ends at 5.43 Hz.
    fit = fit_circuit(data.isel(frequency=data["Frequency [Hz]"].values > 5.4), CIRCUIT)
    for value, error, (known, known_error) in zip(
        fit.values, fit.std_errors, published(report), strict=True
    ):
        assert abs(value - known) < 2 * known_error
        assert error == pytest.approx(known_error, rel=0.5)


def test_published_circuits_and_activation_energies_of_the_conductor_are_reproduced():
    pytest.importorskip("impedance")
    folder = ("solid_conductor_eis", "Example_scripts", "Example3")
    text = measured(*folder, "Batch_EISfit_Report.txt").read_text()
    parts = re.split(r"Data_(\d+)K", text)[1:]
    celsius, bulk, boundary = [], [], []
    for kelvin, report in zip(parts[::2], parts[1::2], strict=True):
        name = f"s04147-{int(kelvin) - 273}deg.txt"
        data = quiet(measured("solid_conductor_eis", "EIS_Data", "Example-3-4", name))
        fit = fit_circuit(data, CIRCUIT)
        known = np.array(published(report))
        assert np.all(np.abs(fit.values - known[:, 0]) < 2 * known[:, 1]), name
        assert fit.std_errors == pytest.approx(known[:, 1], rel=0.05), name
        # The report counts 0 degC as 273 K.
        celsius.append(float(kelvin) - 273.15)
        bulk.append(1 / fit["R1"])
        boundary.append(1 / fit["R2"])
    first, second = arrhenius(celsius, bulk), arrhenius(celsius, boundary)
    assert abs(first.activation_energy_eV - 0.587) < 2 * 0.016
    assert abs(second.activation_energy_eV - 0.892) < 2 * 0.003
    assert first.activation_energy_error_eV == pytest.approx(0.0163, rel=0.02)
    assert second.activation_energy_error_eV == pytest.approx(0.0025, rel=0.05)


def test_arcs_are_numbered_from_fast_to_slow():
    pytest.importorskip("impedance")
    f = np.logspace(6, -1, 71)
    data = as_data(
        f, 10 + 80 / (1 + 2j * np.pi * f * 1e-1) + 20 / (1 + 2j * np.pi * f * 1e-4)
    )
    fit = fit_circuit(data, "R0-p(R1,C1)-p(R2,C2)", [9, 70, 1e-3, 30, 1e-6])
    assert [fit[n] for n in ("R0", "R1", "R2")] == pytest.approx([10, 20, 80], rel=1e-6)


def test_undetermined_parameter_is_named():
    pytest.importorskip("impedance")
    f = np.logspace(3, 0, 30)
    data = as_data(f, 10 + 50 / (1 + 2j * np.pi * f * 1e-2))
    # Two resistors in series: only their sum shows.
    fit = fit_circuit(data, "R0-R3-p(R1,C1)", [5, 4, 45, 2e-4])
    named = {w.split(" ")[0] for w in fit.warnings if "not determined" in w}
    assert named == {"R0", "R3"}
    assert fit["R0"] + fit["R3"] == pytest.approx(10, rel=1e-3)


def test_bad_input_is_refused_with_what_is_allowed():
    f = np.logspace(3, 0, 30)
    data = as_data(f, 10 + 50 / (1 + 2j * np.pi * f * 1e-2))
    with pytest.raises(DataError, match="at least 8 frequencies"):
        drt(data.isel(frequency=slice(0, 5)))
    with pytest.raises(ParameterError, match="allowed is 4 to 40"):
        drt(data, per_decade=400)
    pytest.importorskip("impedance")
    with pytest.raises(ParameterError, match="impedance.py's notation"):
        fit_circuit(data, "R0-p(R1,X1)")
    with pytest.raises(ParameterError, match="needs 3 positive starting values"):
        fit_circuit(data, "R0-p(R1,C1)", [1.0])


@pytest.mark.parametrize("exponent", [0.75, 0.85, 1.0])
@pytest.mark.parametrize("slowest", [0, -2])
def test_blocking_tail_hides_no_arc(exponent, slowest):
    f = np.logspace(6, slowest, 61)
    noise = np.random.default_rng(3).normal(0, 2e-3, (2, len(f)))
    for arcs in ([(200, 1e-5, 0.95)], [(100, 1e-6, 0.95), (300, 1e-4, 0.85)]):
        z = 20 + sum(zarc(f, *arc) for arc in arcs)
        z = z + 1 / ((2j * np.pi * f) ** exponent * 2e-6)
        result = eis(as_data(f, z * (1 + noise[0] + 1j * noise[1])))
        total = sum(arc[0] for arc in arcs)
        assert result["interfacial_resistance_ohm"] == pytest.approx(total, rel=0.08)


def test_small_fast_arc_stands_beside_a_large_slow_one():
    f = np.logspace(6, -2, 81)
    found = drt(as_data(f, 20 + zarc(f, 10, 1e-5, 0.9) + zarc(f, 5000, 1.0, 0.9)))
    assert min(abs(np.log(p["tau_s"] / 1e-5)) for p in found.peaks) < np.log(1.3)


@pytest.mark.parametrize("z", [lambda s: 20 + 0 * s, lambda s: 20 + 1 / (s**0.9 * 2e-6)])
def test_without_an_arc_there_is_no_interfacial_resistance(z):
    f = np.logspace(6, 0, 61)
    result = eis(as_data(f, z(2j * np.pi * f), area_cm2=1.0))
    assert result["interfacial_resistance_ohm"] is None
    assert result["interfacial_resistance_ohm_cm2"] is None


@pytest.mark.parametrize("drift", [0.2, 0.5])
@pytest.mark.parametrize("noise", [0.0, 2e-3])
def test_drift_during_the_sweep_is_found_and_noise_is_none(drift, noise):
    """Slow arcs grow with the time that passed: most of it at the slowest frequencies."""
    f = np.logspace(6, -2, 81)
    rng = np.random.default_rng(0)
    for size in (0.0, drift):
        grown = 1 + size * np.cumsum(1 / f) / np.sum(1 / f)
        z = 20 + zarc(f, 30, 1e-5, 0.9)
        z = z + (zarc(f, 100, 1e-2, 0.9) + zarc(f, 80, 1.0, 0.9)) * grown
        z = z * (1 + noise * (rng.normal(size=81) + 1j * rng.normal(size=81)))
        assert kramers_kronig(as_data(f, z)).valid is (size == 0)


def test_inductive_loop_is_valid_and_fitted():
    f = np.logspace(6, -2, 81)
    z = 10 + zarc(f, 50, 1e-3, 0.9) + zarc(f, 40, 0.3, 0.9) - 15 / (1 + 2j * np.pi * f * 30)
    found = drt(as_data(f, z))
    assert found.loop_resistance == pytest.approx(-15, rel=0.05)
    assert found.loop_tau == pytest.approx(30, rel=0.1)
    assert kramers_kronig(as_data(f, z)).valid


def test_figure_of_many_spectra_has_a_scale_instead_of_a_legend():
    from sscell.plots import plot_eis

    f = np.logspace(5, 0, 31)
    one = {"frequency_Hz": f.tolist(), "real_ohm_cm2": None, "imaginary_ohm_cm2": None}
    one |= {"real_ohm": (10 + f * 0).tolist(), "imaginary_ohm": (0 * f).tolist()}
    curve = {"tau_s": [1.0, 2.0], "gamma_ohm": [1.0, 2.0]}
    result = {"spectra": [one | {"state": str(k)} for k in range(25)], "drt": [curve] * 25}
    figure = plot_eis(result)
    assert len(figure.axes) == 3 and figure.axes[0].get_legend() is None
    assert len(figure.axes[2].get_yticklabels()) == 8
