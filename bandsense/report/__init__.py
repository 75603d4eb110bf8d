"""Sessions and weeks on paper: one self-contained HTML file, PDF and PNG through Chromium."""
