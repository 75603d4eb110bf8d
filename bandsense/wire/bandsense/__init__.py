"""bandsense's own wire profile, in the same rooms as `firmware/core/src`."""
