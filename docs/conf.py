"""Sphinx configuration; `make docs` builds with warnings as errors."""

project = "bandsense"
author = "bandsense maintainers"
copyright = "bandsense maintainers"  # noqa: A001 - the name is Sphinx's
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "description"
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "240px"}
html_static_path = ["static"]
html_css_files = ["drawings.css"]
exclude_patterns = ["build"]
