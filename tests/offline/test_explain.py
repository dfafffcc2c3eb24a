"""The page of a take: what it says, that it is safe with any name, and that a browser draws it."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.offline.explain import explain, sounding, summary
from liveseq.sequencer.timeline import Choice

RATE = 48_000
HOSTILE = "</script><script>document.title = 'owned'</script><!-- \u2028 \" ' & 🎵"


def choice(start, *, unit, source="bells.wav", reason="continue", layer=1, **fields):
    """A unit of 8192 samples at `start` seconds, 1 dB louder than was asked for."""
    target = np.linspace(-3.0, 3.0, len(FEATURE_NAMES), dtype=np.float32)
    features = target.copy()
    features[FEATURE_NAMES.index("loudness_db_mean")] += 1.0
    known = {
        "tag": "bells",
        "tags": (("bells", 0.75), ("drone", 0.25)),
        "seconds": 1.5,
        "duration": 8192 / RATE,
        "target": target,
        "features": features,
        "distance": 0.5,
        "join": 0.0,
        "repetition": 0.0,
        "rank": 0,
        "mode": "continuous",
    }
    return Choice(layer=layer, start=int(start * RATE), unit=unit, source=source, reason=reason, **{**known, **fields})


def take(n=40, *, source="bells.wav"):
    reasons = ["start", *(["continue"] * 4 + ["jump"]) * n][:n]
    return [
        choice(i * 8192 / RATE, unit=i, source=source if reason == "jump" else "a.wav", reason=reason)
        for i, reason in enumerate(reasons)
    ]


def page(choices, **options):
    return explain(choices, spread=np.ones(len(FEATURE_NAMES)), sample_rate=RATE, title="a take", **options)


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_every_unit_is_in_the_data_with_wish_and_find():
    data = data_of(page(take()))
    assert data["unit"] == list(range(40))
    assert data["target"]["loudness_db"][0] + 1.0 == pytest.approx(data["found"]["loudness_db"][0], abs=2e-3)
    assert data["off"][0][13] == 1.0  # one standard deviation too loud
    assert data["timbre"] == [0.0] * 40
    assert data["shares"] == [[["bells", 0.75], ["drone", 0.25]]]


def test_what_a_later_plan_took_back_is_not_drawn():
    old = [choice(0.0, unit=1, reason="start"), choice(0.2, unit=2), choice(0.4, unit=3)]
    kept = sounding([*old, choice(0.1, unit=9, reason="jump"), choice(0.05, unit=5, layer=2)], sample_rate=RATE)
    assert [(one.unit, one.layer) for one in kept] == [(1, 1), (5, 2), (9, 1)]
    assert kept[0].duration == pytest.approx(0.1)


def test_the_summary_counts():
    text = summary(take(), sample_rate=RATE)
    assert "40 units in 7 s, 40 of them different, from 2 recordings" in text
    assert "80% are natural continuations (32 continue, 7 jump, 1 start)" in text
    assert "0.50 standard deviations" in text


class Parts(HTMLParser):
    """Which elements there are, and which addresses they name."""

    def __init__(self):
        super().__init__()
        self.elements = []
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]


def test_the_page_needs_nothing_from_outside():
    text = page(take(), audio="take.wav")
    parts = Parts()
    parts.feed(text)
    assert parts.addresses == []
    assert not re.search(r"https?://|//cdn|@import|url\(|fetch\(|XMLHttpRequest|WebSocket", text)


def test_a_hostile_name_stays_text():
    parts, hostile = Parts(), Parts()
    parts.feed(page(take()))
    text = explain(take(source=HOSTILE), spread=np.ones(34), sample_rate=RATE, title=HOSTILE, audio=HOSTILE)
    hostile.feed(text)
    assert hostile.elements == parts.elements
    assert HOSTILE in data_of(text)["sources"]
    assert data_of(text)["audio"] == HOSTILE


def browse(path, *flags):
    """Chromium's output, with that of its console."""
    found = [name for name in ("chromium-headless-shell", "chromium", "google-chrome") if shutil.which(name)]
    if not found:
        pytest.skip("no Chromium here (sh tools/system-packages.sh --test)")
    command = [found[0], "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *flags]
    return subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.browser
def test_a_browser_draws_it_and_a_hostile_name_does_nothing(tmp_path):
    out = tmp_path / "a page 🎵.html"
    out.write_text(page(take(source=HOSTILE)), encoding="utf-8")
    seen = browse(out, "--dump-dom", "--virtual-time-budget=2000")
    assert 'data-drawn="40"' in seen.stdout
    assert "<title>a take</title>" in seen.stdout
    assert "CONSOLE" not in seen.stderr


@pytest.mark.browser
def test_the_keyboard_walks_from_unit_to_unit(tmp_path):
    out = tmp_path / "page.html"
    press = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: SHIFT}));"
    script = press.replace("SHIFT", "false") + press.replace("SHIFT", "true")
    out.write_text(page(take()).replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    seen = browse(out, "--dump-dom", "--virtual-time-budget=2000")
    assert '<h2 id="when">0:00.85 · unit 5</h2>' in seen.stdout  # the first jump
    assert "was jumped to (continuous)" in seen.stdout
    assert "CONSOLE" not in seen.stderr
