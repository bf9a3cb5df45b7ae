"""How the pages are built: `npm ci --prefix docs`, then `sphinx-build -W docs OUT`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# Commands in notebooks are those of the environment that builds.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"
os.environ["COLUMNS"] = "90"

import sscell  # noqa: E402

project = "sscell"
author = "The sscell developers"
copyright = "The sscell developers"
version = release = sscell.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sheets",
]
exclude_patterns = ["node_modules", "_kept", "_build", "jupyter_execute"]
language = "en"
smartquotes = False  # options begin with two hyphens
toc_object_entries = False

# Notebooks: executed once, then kept until a cell of theirs changes.
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_kept" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True  # what they write stays there
nb_merge_streams = True
# A command over two lines is no IPython to the lexer, which then takes what it knows.
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3
myst_fence_as_directive = []

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = "sscell"
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_show_sourcelink = True
html_copy_source = True
html_theme_options = {
    "logo": {"text": "sscell"},
    "navbar_align": "left",
    "show_nav_level": 1,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}
copybutton_exclude = ".linenos, .gp, .go"

# One file with its fonts inside: it asks nobody for more.
_MATHJAX = HERE / "node_modules" / "mathjax" / "es5" / "tex-svg-full.js"
mathjax_path = "tex-svg-full.js"
if _MATHJAX.is_file():
    html_static_path.append(str(_MATHJAX))
mathjax3_config = {"options": {"enableMenu": False}}
