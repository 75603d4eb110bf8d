"""bandsense."""
