"""The site: `python -m sphinx -W -b html docs docs/_build/html`."""

from __future__ import annotations

import sys
from pathlib import Path

import alphaomega

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "AlphaOmega"
author = "The AlphaOmega developers"
copyright = author
version = release = alphaomega.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "numpydoc",
    "myst_parser",
    "plain_docstrings",
    "offline_plotly",
    "run_commands",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "gallery", "extensions"]
templates_path = ["_templates"]
default_role = "py:obj"  # `ao.path` in a docstring links where it can, and is code where it cannot
python_use_unqualified_type_names = True
suppress_warnings = ["config.cache"]

autosummary_generate = True
autosummary_ignore_module_all = False  # a module's page shows what the module exports
autodoc_typehints = "none"  # numpydoc's Parameters say more
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "AlphaOmega"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "tutorial": []}

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "gallery_built",
    # The networks' examples take minutes; -D sphinx_gallery_conf.filename_pattern=/plot_ runs them too.
    "filename_pattern": r"/plot_(?!networks)",
    "within_subsection_order": "gallery_order.Order",
    "copyfile_regex": r".*\.rst",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "matplotlib_animations": False,
    "min_reported_time": 1e9,
}
