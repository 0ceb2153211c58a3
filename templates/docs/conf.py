"""Read by Sphinx, which `sb docs` starts: how the pages become HTML. The version is given by the caller."""

project = "sbkernel"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "sbkernel"
html_static_path = ["static"]
html_css_files = ["sbkernel.css"]
# The same pages are the same bytes: no dates, no copies of the sources.
html_last_updated_fmt = None
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
# A summary is fetched page by page, which browsers refuse for files.
html_show_search_summary = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"
myst_heading_anchors = 3
nitpicky = True
