"""Sphinx configuration; `make docs` builds with warnings as errors."""

project = "bandsense"
author = "bandsense maintainers"
copyright = "bandsense maintainers"  # noqa: A001 - the name is Sphinx's
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinxarg.ext",
]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"ArrayLike": "ArrayLike", "FloatArray": "FloatArray"}
smartquotes_action = "qe"  # quotes and ellipses; -- stays what is typed, as in --json
highlight_language = "none"  # a block without a language is output, not Python
html_theme = "furo"  # search, light and dark, a contents column; nothing from other servers
html_title = "bandsense"
html_static_path = ["static"]
html_css_files = ["drawings.css", "page.css"]
exclude_patterns = ["build"]
