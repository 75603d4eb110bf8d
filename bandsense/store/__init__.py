"""Sessions in SQLite: raw samples as they arrive, what was made of them, people, bands and sensors."""
