"""What Home Assistant is told over MQTT so that it shows a sensor by itself.

One retained message an entity, under `homeassistant/<component>/<identity>/<entity>/config`, of one device.
Source: "MQTT Discovery" and the pages of the components in Home Assistant's documentation.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["PREFIX", "availability_topic", "discovery", "topic_name"]

PREFIX = "homeassistant"

_LAST_REP = "{{ value_json.rep.peak_n | round(1) }}"
_SENSORS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (
        "tension",
        "Tension",
        "tension_tick",
        "{{ value_json.tension_n | round(1) }}",
        {"unit_of_measurement": "N", "state_class": "measurement", "icon": "mdi:weight-kilogram"},
    ),
    (
        "reps",
        "Repetitions",
        "rep_counted",
        "{{ value_json.count }}",
        {"state_class": "measurement", "icon": "mdi:counter"},
    ),
    (
        "peak",
        "Last peak",
        "rep_completed",
        _LAST_REP,
        {"unit_of_measurement": "N", "state_class": "measurement", "icon": "mdi:arrow-collapse-up"},
    ),
    (
        "set",
        "Finished sets",
        "set_done",
        "{{ value_json.number }}",
        {"state_class": "measurement", "icon": "mdi:format-list-numbered"},
    ),
    (
        "battery",
        "Battery",
        "battery_changed",
        "{{ value_json.percent }}",
        {
            "unit_of_measurement": "%",
            "device_class": "battery",
            "state_class": "measurement",
            "entity_category": "diagnostic",
        },
    ),
)


def topic_name(sensor: str) -> str:
    """Return a sensor's identity as it may stand in a topic and in an identity of Home Assistant."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", sensor) or "sensor"


def availability_topic(base: str) -> str:
    """Return the topic that says `online` while a session runs, and `offline` otherwise."""
    return f"{base}/status"


def discovery(base: str, sensor: str, side: str | None, version: str) -> dict[str, dict[str, Any]]:
    """Return the messages that make a sensor known, by topic.

    Args:
        base: the topic under which its events are published.
        sensor: its identity.
        side: left or right, where there are two.
        version: of bandsense.
    """
    identity = f"bandsense_{topic_name(sensor)}"
    device = {
        "identifiers": [identity],
        "name": "bandsense" if side is None else f"bandsense {side}",
        "manufacturer": "bandsense",
        "model": "Resistance-band sensor",
        "sw_version": version,
        "serial_number": sensor,
    }
    return {
        f"{PREFIX}/sensor/{identity}/{name}/config": {
            "name": words,
            "unique_id": f"{identity}_{name}",
            "object_id": f"{identity}_{name}",
            "state_topic": f"{base}/{event}",
            "value_template": template,
            "availability_topic": availability_topic(base),
            "device": device,
            "origin": {"name": "bandsense", "sw_version": version},
            "qos": 1,
            **more,
        }
        for name, words, event, template, more in _SENSORS
    }
