"""Sphinx's settings for the site: ``make docs`` builds it into out/docs, and a warning is an error."""

import sys
from pathlib import Path

import lmnn_sdp

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

project = "lmnn_sdp"
author = "The lmnn_sdp developers"
copyright = f"{author}, BSD-3-Clause"
version = release = lmnn_sdp.__version__

extensions = [
    "lmnn_site",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = "py:obj"  # `LMNN` in docstrings is a link where there is something to link to
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings tell the types
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_class_members_toctree = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3

html_title = "lmnn_sdp"
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_math_renderer = "mathml"
html_sidebars = {"index": [], "api": [], "gallery/index": []}
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/[a-z]\w*\.py$",
    "ignore_pattern": r"_common\.py$",
    "reset_argv": "lmnn_site.arguments",
    "reset_modules": ("matplotlib", "lmnn_site.styled"),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "within_subsection_order": "FileNameSortKey",
}
