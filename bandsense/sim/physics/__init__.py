"""Band, person and sensor, as functions of time."""
