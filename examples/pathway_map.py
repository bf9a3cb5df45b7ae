"""Ji et al. 2024 in one parameter set: the paper's table, and which way sulfur takes.

Run with ``python examples/pathway_map.py``; the figures go to the working folder.
"""

import sscell
from sscell.papers.observables import load_observables
from sscell.plots.style import save_figure
from sscell.plots.sweeps import plot_pathways
from sscell.plots.validation import plot_scorecard
from sscell.sweeps.grid import pathways

fast = sscell.Resolution(shells=25)  # a sketch; the default 50 for numbers to report
cell = sscell.load("Ji2024")

# What the paper published, the model and the null model (all sulfur used, no losses).
ids = ["ji_dis1_25", "ji_ch1_25", "ji_dis1_90", "ji_ch1_90"]
result = sscell.validate(cell, ids=ids, resolution=fast)
for row in result.rows:
    print(f"{row['id']}: {row['published']} published, {row['model']:.0f} model")

# Over temperature and rate: past Na2S2 (two steps) or through it (three steps)?
axes = {"temperature": [25, 60, 90], "rate": ["C/100", "C/20"]}
grid = sscell.sweep(cell, axes, sscell.discharge(), resolution=fast)
ways = pathways(grid, "Na2S2")
print(ways.way.sel(half_cycle="discharge 1").to_pandas())
way = str(ways.way.sel(temperature=25, rate="C/20", half_cycle="discharge 1").values)

if __name__ == "__main__":
    save_figure(plot_scorecard(result), "scorecard.png")
    save_figure(plot_pathways(grid, "Na2S2", load_observables("Ji2024").ways), "ways.png")
