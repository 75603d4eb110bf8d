"""How often a workout looks up from the samples: a constant of the analysis, which no view may change."""

from __future__ import annotations

__all__ = ["ANALYSIS_HZ"]

ANALYSIS_HZ = 20.0
"""Ticks a second of device time.

At each tick the end of a set by rest is looked for, cues fall due, and the coach sees the tension from which
it tells slack at the bottom: a hand moves less than 5 cm between two of them. Views, MQTT and LSL take from
the ticks what they can show; how many they take changes no event (`app.pipeline`).
"""
