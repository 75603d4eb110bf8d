"""Hold what is told to Home Assistant against Home Assistant's own code: `make home-assistant`.

    python tools/check_home_assistant.py PYTHON

PYTHON is that of an environment with Home Assistant in it. Its MQTT integration reads each discovery message
of `bandsense.live.home_assistant` with the schema by which it reads configurations, which refuses a key that
it does not know, and with the one for discovery; each value template is then rendered on an event as it is
published, and the value checked against unit, device class and state class.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent

CHECK = """
import asyncio, json, sys, tempfile
import voluptuous
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.components.mqtt import sensor
from homeassistant.components.mqtt.discovery import TOPIC_MATCHER
from homeassistant.components.mqtt.mixins import MQTT_ORIGIN_INFO_SCHEMA, MQTT_ENTITY_DEVICE_INFO_SCHEMA
from homeassistant.helpers.template import Template

async def main():
    told = json.load(sys.stdin)
    refused = 0
    hass = HomeAssistant(tempfile.mkdtemp())
    for topic, (message, event) in told.items():
        try:
            match = TOPIC_MATCHER.match(topic.partition("/")[2])
            assert match and match["component"] == "sensor", "the topic names no sensor"
            MQTT_ORIGIN_INFO_SCHEMA(message["origin"])
            MQTT_ENTITY_DEVICE_INFO_SCHEMA(message["device"])
            sensor.DISCOVERY_SCHEMA(dict(message))
            config = sensor.PLATFORM_SCHEMA_MODERN({k: v for k, v in message.items() if k != "origin"})
            value = Template(message["value_template"], hass).async_render({"value_json": event})
            assert isinstance(value, int | float), f"{value!r} is no number"
            print(f"accepted: {config['name']}, {value} {config.get('unit_of_measurement', '')}".rstrip())
        except (voluptuous.Invalid, AssertionError) as error:
            refused += 1
            print(f"REFUSED: {topic}: {error}")
    print(f"Home Assistant {__version__}: {len(told) - refused} of {len(told)} messages accepted")
    await hass.async_stop(force=True)
    return refused

sys.exit(asyncio.run(main()))
"""

EVENTS: dict[str, dict[str, Any]] = {
    "tension_tick": {"tension_n": 41.26, "tension_uncertainty_n": 0.4},
    "rep_counted": {"count": 3, "peak_n": 52.9},
    "rep_completed": {"rep": {"peak_n": 52.94}},
    "set_done": {"number": 2},
    "battery_changed": {"percent": 81},
}
"""Events as they are published, as far as the templates read them."""


def main() -> int:
    """Ask the other environment; its exit status is the number of messages that are refused."""
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))
    from bandsense.live.home_assistant import discovery

    told = {
        topic: [message, EVENTS[message["state_topic"].rpartition("/")[2]]]
        for side in (None, "left", "right")
        for topic, message in discovery("gym/5E45", f"5E:45:{side}", side, "1.0").items()
    }
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    asked = [sys.argv[1], "-I", "-c", CHECK]
    done = subprocess.run(asked, input=json.dumps(told), text=True, check=False)  # noqa: S603 - named by whoever asks
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
