"""GITT against particles in which nothing but diffusion is slow."""

import numpy as np
import pytest

from sscell.analysis import gitt
from sscell.dataset import time_series
from sscell.errors import DataError, ParameterError

LENGTH = 1e-4  # cm
CURRENT = 1e-4  # A
RESISTANCE = 5.0  # Ohm
FILLING = 1 / 36  # change of the mean filling per A and s


def grid(sphere, cells):
    edges = 1 - (1 - np.linspace(0, 1, cells + 1)) ** 1.6
    edges = edges * (3 * LENGTH if sphere else LENGTH)
    areas = edges**2 if sphere else np.ones(cells + 1)
    volumes = np.diff(edges**3) / 3 if sphere else np.diff(edges)
    return edges, areas, volumes


def particle(fo, *, sphere=False, slope=-1.0, pulses=4, rest=None, noise=0.0, pulse=600.0,
             samples=120, charge=False):  # fmt: skip
    """Titration of a slab (volume over area L) or a sphere (R = 3 L), tau D/L^2 = `fo`.

    Finite volumes refined towards the surface; in time exact, by the eigenvectors of
    dc/dt = A c + b I. The OCV is linear in the filling.
    """
    d = fo * LENGTH**2 / pulse
    edges, areas, volumes = grid(sphere, 150)
    x = (edges[1:] + edges[:-1]) / 2
    g = d * areas[1:-1] / np.diff(x)
    matrix = np.zeros((len(x), len(x)))
    for j, conductance in enumerate(g):
        for a, b in ((j, j + 1), (j + 1, j)):
            matrix[a, a] -= conductance / volumes[a]
            matrix[a, b] += conductance / volumes[a]
    rates, vectors = np.linalg.eig(matrix)
    rates, vectors = rates.real, vectors.real
    flux = FILLING * volumes.sum()
    source = np.zeros(len(x))
    source[-1] = flux / volumes[-1]
    source = np.linalg.solve(vectors, source)
    state, start = np.zeros(len(x)), 0.0
    rows = [(0.0, 0.0, 3.0)]
    rest = rest or max(3 * LENGTH**2 * (9 if sphere else 1) / d / 2, 3600)
    sign = -1.0 if charge else 1.0
    for _ in range(pulses):
        for duration, current in ((pulse, sign * CURRENT), (rest, 0.0)):
            early = np.linspace(0, min(duration, pulse), samples + 1)[1:]
            late = np.geomspace(pulse, duration, 60)[1:] if duration > pulse else []
            b = np.linalg.solve(vectors, state)
            for t in np.concatenate([early, late]):
                grown = np.exp(rates * t)
                driven = np.where(np.abs(rates * t) > 1e-10, np.expm1(rates * t) /
                                  np.where(rates == 0, 1, rates), t)  # fmt: skip
                now = vectors @ (b * grown + source * current * driven)
                surface = now[-1] + flux / areas[-1] * current * (edges[-1] - x[-1]) / d
                rows.append(
                    (start + t, current, 3.0 + slope * surface - RESISTANCE * current)
                )
            state, start = now, start + duration
    t, i, v = np.array(rows).T
    v = v + np.random.default_rng(3).normal(0, noise, len(v))
    data = time_series(
        {"Time [s]": t, "Current [A]": i, "Voltage [V]": v}, {"capacity_basis_mass_g": 1e-3}
    )
    return data, d


def pulses_of(result, direction="discharge"):
    return result.directions[direction]["pulses"]


@pytest.mark.parametrize("fo", [1e-3, 1e-2, 5e-2, 0.1, 0.2])
@pytest.mark.parametrize("sphere", [False, True])
def test_diffusion_coefficient_that_was_put_in_comes_back_within_5_percent(fo, sphere):
    data, d = particle(fo, sphere=sphere)
    result = gitt(data, diffusion_length=LENGTH)
    for pulse in pulses_of(result)[1:]:
        assert pulse["diffusion_coefficient_cm2_s"] == pytest.approx(d, rel=0.05)
    assert not any("reliable" in w or "doubtful" in w for w in result.warnings)


@pytest.mark.parametrize("fo", [1e-3, 1e-2, 0.1, 0.2])
def test_changs_equation_agrees_for_a_layer(fo):
    data, d = particle(fo)
    for pulse in pulses_of(gitt(data, diffusion_length=LENGTH, method="chang"))[1:]:
        assert pulse["diffusion_coefficient_cm2_s"] == pytest.approx(d, rel=0.05)


@pytest.mark.parametrize("fo", [1e-3, 1e-2, 5e-2, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("sphere", [False, True])
@pytest.mark.parametrize("method", ["weppner-huggins", "chang"])
def test_wrong_diffusion_coefficient_never_comes_without_a_warning(fo, sphere, method):
    data, d = particle(fo, sphere=sphere)
    result = gitt(data, diffusion_length=LENGTH, method=method)
    values = [p["diffusion_coefficient_cm2_s"] for p in pulses_of(result)[1:]]
    wrong = any(v is None or abs(v / d - 1) > 0.05 for v in values)
    warned = any("sqrt(t)" in w for w in result.warnings)
    assert warned or not wrong


def test_noise_of_a_tenth_millivolt_is_survived():
    data, d = particle(1e-2, noise=1e-4)
    values = [
        p["diffusion_coefficient_cm2_s"]
        for p in pulses_of(gitt(data, diffusion_length="1 um"))
    ]
    assert np.median(values) == pytest.approx(d, rel=0.05)


def test_ohmic_and_concentration_parts_add_up_and_ohm_is_found():
    data, _ = particle(0.05)
    for pulse in pulses_of(gitt(data)):
        assert pulse["ohmic_V"] == pytest.approx(RESISTANCE * CURRENT, rel=0.02)
        total = pulse["ohmic_V"] + pulse["concentration_V"]
        assert total == pytest.approx(pulse["overpotential_V"], rel=1e-9)


def test_overpotential_is_the_distance_from_the_end_of_the_pulse_to_the_ocv():
    data, _ = particle(0.05)
    pulse = pulses_of(gitt(data))[0]
    v, i = data["Voltage [V]"].values, data["Current [A]"].values
    end = int(np.flatnonzero(i > 0)[119])
    expected_ocv = 3.0 - FILLING * CURRENT * 600
    assert pulse["ocv_V"] == pytest.approx(expected_ocv, abs=2e-5)
    assert pulse["overpotential_V"] == pytest.approx(abs(v[end] - pulse["ocv_V"]), rel=1e-9)


def test_capacity_is_counted_per_gram_after_each_pulse():
    data, _ = particle(0.05)
    counted = [p["cumulative_capacity_mAh_g"] for p in pulses_of(gitt(data))]
    step = CURRENT * 1e3 * 600 / 3600 / 1e-3
    assert counted == pytest.approx([step, 2 * step, 3 * step, 4 * step], rel=1e-3)


def test_without_a_length_the_coefficient_is_null_and_its_rate_is_given():
    data, d = particle(0.05)
    result = gitt(data)
    pulse = pulses_of(result)[1]
    assert pulse["diffusion_coefficient_cm2_s"] is None
    assert pulse["diffusion_rate_1_s"] == pytest.approx(d / LENGTH**2, rel=0.05)
    assert any("No diffusion length" in w for w in result.warnings)


def test_relaxation_is_slower_for_slower_diffusion():
    slow, fast = (pulses_of(gitt(particle(fo)[0]))[1] for fo in (0.02, 0.2))
    assert slow["relaxation_time_s"] > fast["relaxation_time_s"]


def test_charge_pulses_are_found_and_both_directions_are_split():
    data, d = particle(0.05, slope=-1.0, charge=True)
    result = gitt(data, diffusion_length=LENGTH).to_dict()
    assert result["direction"] == "charge"
    assert result["pulses"][1]["diffusion_coefficient_cm2_s"] == pytest.approx(d, rel=0.05)
    down, _ = particle(0.05)
    join = {}
    for name in ("Time [s]", "Current [A]", "Voltage [V]"):
        shift = float(down["Time [s]"][-1]) if name == "Time [s]" else 0.0
        join[name] = np.concatenate([down[name].values, data[name].values + shift])
    both = gitt(time_series(join)).to_dict()
    assert len(both["discharge"]["pulses"]) == len(both["charge"]["pulses"]) == 4


def test_flat_ocv_gives_no_coefficient_but_a_warning():
    data, _ = particle(0.05, slope=-1e-9)
    result = gitt(data, diffusion_length=LENGTH)
    assert all(p["diffusion_coefficient_cm2_s"] is None for p in pulses_of(result))
    assert any("flat OCV" in w and "pulses 1-4 of 4" in w for w in result.warnings)


def test_large_change_of_ocv_is_flagged():
    data, _ = particle(0.05, slope=-50.0)
    assert any("too large" in w for w in gitt(data).warnings)


def test_missing_rest_leaves_nulls_and_says_so():
    data, _ = particle(0.05)
    i = data["Current [A]"].values.copy()
    first_rest = np.flatnonzero(np.diff(np.sign(i)) < 0)[1]
    end = first_rest + 1 + np.argmax(i[first_rest + 1 :] > 0)
    kept = np.r_[0 : first_rest + 2, end : len(i)]
    result = gitt(data.isel(time=kept))
    pulse = pulses_of(result)[1]
    assert pulse["ocv_V"] is None or pulse["ohmic_V"] is None
    assert any("no rest of five samples" in w for w in result.warnings)
    assert pulses_of(result)[3]["ohmic_V"] is not None


def test_unequal_pulses_spikes_and_offset_currents_are_sorted_out():
    data, _ = particle(0.05)
    i = data["Current [A]"].values.copy()
    i[i == 0] = 2e-8
    spike = int(np.flatnonzero(i < 1e-6)[50])
    i[spike] = 5e-3
    long = np.flatnonzero(i > 5e-5)
    i[long[-120:]] *= 0.5
    noisy = data.assign({"Current [A]": ("time", i)})
    result = gitt(noisy)
    assert len(pulses_of(result)) == 4
    assert pulses_of(result)[3]["current_A"] == pytest.approx(CURRENT / 2)
    assert any("fewer than 3 samples" in w for w in result.warnings)


def test_drifting_rest_is_flagged():
    data, _ = particle(0.01, rest=700.0)
    assert any("still drifts" in w for w in gitt(data).warnings)


def test_plateaus_are_where_the_charge_passes():
    """A staircase OCV: 40 % of the charge at 2.2 V, 40 % at 1.9 V, ramps between."""
    q = np.linspace(0, 1, 41)
    ocv = np.interp(q, [0, 0.1, 0.5, 0.6, 1.0], [2.6, 2.203, 2.197, 1.903, 1.897])
    rows = [(0.0, 0.0, ocv[0])]
    for k in range(1, len(q)):
        start = rows[-1][0]
        rows += [(start + 60 * n, 1e-3, ocv[k] - 0.05 - 0.001 * n) for n in range(1, 11)]
        rows += [(start + 600 + 300 * n, 0.0, ocv[k]) for n in range(1, 11)]
    t, i, v = np.array(rows).T
    result = gitt(time_series({"Time [s]": t, "Current [A]": i, "Voltage [V]": v}))
    plateaus = result.directions["discharge"]["ocv_plateaus_V"]
    assert plateaus[0] == pytest.approx(2.2, abs=0.01)
    assert len(plateaus) >= 1


def test_bad_options_and_data_without_pulses_are_refused():
    data, _ = particle(0.05)
    with pytest.raises(ParameterError, match="no method 'wepner'.*weppner-huggins"):
        gitt(data, method="wepner")
    with pytest.raises(ParameterError, match="must be positive"):
        gitt(data, diffusion_length=-1.0)
    with pytest.raises(ParameterError, match="'discharge', 'charge' or 'both'"):
        gitt(data, direction="up")
    with pytest.raises(
        DataError, match=r"no pulse of current on charge.*4 pulses on discharge"
    ):
        gitt(data, direction="charge")
    with pytest.raises(DataError, match="No current flows"):
        gitt(data.assign({"Current [A]": 0 * data["Current [A]"]}))
