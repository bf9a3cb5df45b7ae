"""What is added to the active material: one law for every content."""

from __future__ import annotations

import numpy as np
import pytest

import sscell
from sscell.errors import ParameterError
from sscell.physics.additives import derived, effect

CONTENT, FADE = "Li7P3S11 fraction", "Contact fade per cycle"
PLAIN = "without additives"


@pytest.fixture(scope="module")
def cell():
    return sscell.load("Chang2024")


def test_effect_rises_from_nothing_to_all_of_it_smoothly():
    content = np.linspace(0, 0.6, 601)
    done = np.array([effect(c, 0.15) for c in content])
    assert done[0] == 0
    assert done[-1] == pytest.approx(1, abs=1e-9)
    slope = np.diff(done) / np.diff(content)
    assert np.all(slope >= 0)
    # In proportion at first, and no kink anywhere: the slope turns over a few contents.
    assert slope[:60] == pytest.approx(1 / 0.15, rel=0.02)
    assert np.abs(np.diff(slope)).max() < 0.05 * slope[0]


def test_without_content_the_material_is_the_plain_one(cell):
    values = cell.values
    for name, value in derived(("Li7P3S11", "LiI"), values).items():
        words, bracket, unit = name.partition(" [")
        plain = values.get(f"{words} {PLAIN}{bracket}{unit}", 1.0)
        assert value == plain == values[name]
    assert derived((), values) == {}


def test_a_full_effect_multiplies_and_two_additives_do_so_in_turn(cell):
    v = cell.values
    full = cell.replace({CONTENT: 1.0}).values
    factor = v["Li7P3S11 coefficient of contact fade per cycle"]
    assert full[FADE] == pytest.approx(v[FADE] * factor, rel=1e-9)
    share = v["Li7P3S11 coefficient of inactive host fraction"]
    out = "Inactive host fraction"
    assert full[out] == pytest.approx(v[out] * share, abs=1e-12)
    both = cell.replace({CONTENT: 1.0, "LiI fraction": 1.0}).values
    other = v["LiI coefficient of contact fade per cycle"]
    assert both[FADE] == pytest.approx(v[FADE] * factor * other, rel=1e-9)
    assert 0 <= both[out] <= full[out] + 1e-12


def test_variants_differ_by_their_content_alone(cell):
    for name, (additive, content) in {
        "LPS10": ("Li7P3S11", 0.1),
        "LPS15": ("Li7P3S11", 0.15),
        "LPS20": ("Li7P3S11", 0.2),
        "LiI1": ("LiI", 0.01),
        "LiI5": ("LiI", 0.05),
        "LiI10": ("LiI", 0.1),
    }.items():
        made = cell.replace({f"{additive} fraction": content})
        assert sscell.load(f"Chang2024-{name}").values == made.values, name


def test_what_follows_from_the_content_is_not_given(cell):
    with pytest.raises(ParameterError, match="follows from the composition"):
        cell.replace({FADE: 0.5})
    with pytest.raises(ParameterError, match="is 1.5; allowed: 0 to 1"):
        cell.replace({CONTENT: 1.5})
    with pytest.raises(ParameterError, match="Did you mean 'Li7P3S11 fraction'"):
        cell.replace({"Li7P3S11 fractions": 0.1})


def test_additives_need_something_that_wears(cell):
    with pytest.raises(ParameterError, match="need 'degradation = true'"):
        cell.with_physics({"degradation": False})
    with pytest.raises(ParameterError, match="must be a list of different names"):
        cell.with_physics({"additives": ["LiI", "LiI"]})
