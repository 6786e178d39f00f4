"""Sphinx configuration of the documentation site; `make docs` builds it without a network, and warnings are errors."""

import tomllib
from pathlib import Path

from bvas import __version__

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]

project = "bvas"
author = "The bvas authors"
copyright = "2026, The bvas authors"
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# A cell that raises ends the build: this is the notebook's test.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
# What programs print on standard error (log lines, progress) is not part of the page.
nb_output_stderr = "remove"

# Plain code blocks hold commands and their output.
highlight_language = "none"
# Docstrings quote code in single backticks.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "bvas"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# One table of contents for all pages at the left; the bar at the top holds search and links only.
html_sidebars = {"**": ["globaltoc.html"]}
html_theme_options = {
    "navbar_center": [],
    "github_url": _PROJECT["urls"]["Repository"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
}
