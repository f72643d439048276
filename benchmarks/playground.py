"""The live parts in a browser, against what a reader should have to wait at most. Nothing is asserted.

python -m benchmarks playground
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from benchmarks.live_site import LAB, make_site, missing, serve
from helpers.core.files import ROOT
from helpers.data.scenes import make_scenes
from helpers.site.pdf import open_browser

_SCRIPT = """async (pixels) => {
    const image = {data: new Float32Array(Uint8Array.fromBase64(pixels).buffer), dims: [1, 3, 64, 64]};
    const seconds = async work => {
        const from = performance.now();
        await work();
        return (performance.now() - from) / 1e3;
    };
    const found = {};
    let engine;
    found.first = await seconds(async () => {
        engine = await lab.openEngine(lab.base);
        await engine.run('explainer', {images: image});
        await engine.run('scenes-multilabel', {images: image});
    });
    found.explainer = await seconds(async () => {
        for (let count = 0; count < 50; count++) await engine.run('explainer', {images: image});
    }) / 50;
    let frames = 0, watching = true;
    const watch = () => { frames++; if (watching) requestAnimationFrame(watch); };
    const descent = {method: 'cartoonx', image, target: null, sparsityWeight: 20, seed: 0};
    for await (const _ of lab.descend(engine, {...descent, steps: 1})) {}
    requestAnimationFrame(watch);
    found.steps = await seconds(async () => { for await (const _ of lab.descend(engine, {...descent, steps: 60})) {} });
    watching = false;
    found.frame = found.steps / frames;
    const known = (await engine.manifest()).models.some(model => model.name === 'mask-cartoonx');
    if (known) found.learned = await seconds(async () => {
        for await (const _ of lab.descend(engine, {...descent, steps: 60, start: 'learned'})) {}
    });
    for (let count = 0; count < 1000; count++) await engine.run('scenes-cnn', {images: image});
    found.heap = performance.memory.usedJSHeapSize / 1e6;
    return found;
}"""


def run() -> list[dict]:
    """Seconds in Chromium over http and from disk, and the page's memory after 1,000 runs."""
    if reason := missing(ROOT):
        print(f"playground: left out, since {reason}")
        return []
    image = make_scenes(1, size=64, seed=3).images
    pixels = base64.b64encode(image.numpy().tobytes()).decode()
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        site = make_site(Path(folder))
        with serve(site) as address:
            for origin, start in (("http", address), ("disk", site.as_uri())):
                tab = browser.new_page()
                tab.set_default_timeout(300_000)
                tab.goto(f"{start}/{LAB}")
                rows += _rows(origin, tab.evaluate(_SCRIPT, pixels))
    return rows


def _rows(origin: str, found: dict[str, float]) -> list[dict]:
    limits = {
        "first": ("first answer of Explainer and classifier", 2.0),
        "explainer": ("an image of the Explainer", 0.1),
        "steps": ("60 steps of CartoonX with a picture each", 6.0),
        "learned": ("the same from the learned mask", 6.0),
        "frame": ("a frame of the page meanwhile", 1 / 30),
    }
    rows = [
        {"name": f"{origin}: {name}", "ours_s": found[key], "reference_s": limit, "ratio": found[key] / limit}
        for key, (name, limit) in limits.items()
        if key in found
    ]
    name = f"{origin}: memory after 1,000 runs, {found['heap']:.0f} MB of at most 100"
    return [*rows, {"name": name, "ratio": found["heap"] / 100}]
