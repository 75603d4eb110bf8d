"""The driver that docs/drivers.md walks through works as it is printed there."""

from __future__ import annotations

import re
from typing import Any

from bandsense.link.drivers import Heard
from tests.needs import REPOSITORY


def test_the_example_is_a_driver() -> None:
    page = (REPOSITORY / "docs" / "drivers.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "acme_bandsense"}
    exec("from __future__ import annotations\n" + example, names)
    driver = names["AcmeDriver"]()
    assert driver.recognise(Heard("a", "ACME 7")).name == "ACME 7"
    assert driver.recognise(Heard("a", "other")) is None
    decoder = driver.decoder()
    samples = [(0, 12.34), (12_500, -0.01), (25_000, 100.0)]
    blocks = [
        decoder.feed(
            names["FORCE_UUID"],
            time_us.to_bytes(4, "little") + round(newtons * 100).to_bytes(4, "little", signed=True),
            1.0,
        )
        for time_us, newtons in samples
    ]
    assert [(float(b.time_s[0]), float(b.values[0])) for b in blocks] == [(t / 1e6, n) for t, n in samples]
    assert decoder.feed(names["FORCE_UUID"], b"torn", 1.0) is None
    assert decoder.statistics.malformed == 1
    device = driver.device(None)
    assert device.title == "Acme scale"
