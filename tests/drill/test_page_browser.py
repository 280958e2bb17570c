"""The page of a drill's report in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

from drill.page import render
from tests.drill.reports import empty, failover, flapping, hostile, report

import pytest

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=10000"),
)
WIDTHS = (360, 1400)
# A page of the test's own shows the drill's page at both widths and measures it: that one bears no script.
MEASURE = """<!DOCTYPE html><meta charset="utf-8">
FRAMES<pre id="found"></pre><script>
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;
window.addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, box = each => each.getBoundingClientRect();
    const pictures = [...page.querySelectorAll("svg[role=img]")];
    const collisions = pictures.flatMap(picture => {
      const labels = [...picture.querySelectorAll("text.heading, text.tick, .mark")];
      return labels.flatMap((one, place) => labels.slice(place + 1).filter(other => meet(box(one), box(other)))
        .map(other => one.textContent + " | " + other.textContent));
    });
    const beyond = [...page.querySelectorAll("body *")].filter(each => box(each).width && box(each).right > frame.width)
      .map(each => each.outerHTML.slice(0, 80));
    return {title: page.title, width: page.documentElement.scrollWidth, scripts: page.scripts.length,
      collisions, beyond, pictures: pictures.map(each => [box(each).width, box(each).height]),
      areas: [...page.querySelectorAll("svg[role=img] path")].map(each => [box(each).width, box(each).height])};
  });
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>"""


@cache
def browser() -> str:
    """A browser, from PATH."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    return ""


def opened(folder: Path, page: str) -> list[dict[str, Any]]:
    """What the browser shows of a page, at each width; it says nothing on its console."""
    if not browser():
        pytest.skip(f"the page was not opened, for no browser is on PATH: {', '.join(BROWSERS)}")
    (folder / "page.html").write_text(page, encoding="utf-8")
    frames = "".join(f'<iframe src="page.html" width="{width}" height="900"></iframe>' for width in WIDTHS)
    (folder / "measure.html").write_text(MEASURE.replace("FRAMES", frames), encoding="utf-8")
    command = [browser(), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    ran = subprocess.run(
        [*command, (folder / "measure.html").as_uri()], capture_output=True, text=True, timeout=180, check=True
    )
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    (found,) = re.findall(r'<pre id="found">(.+)</pre>', ran.stdout)
    measured: list[dict[str, Any]] = json.loads(unescape(found))
    return measured


def test_fits_every_width_with_pictures_in_which_no_labels_collide(tmp_path: Path) -> None:
    found = opened(tmp_path, render(report(failover(), flapping(), empty())))
    for width, page in zip(WIDTHS, found, strict=True):
        assert page["title"] == "Disaster recovery drill: failed"
        assert page["width"] == width
        assert page["beyond"] == []
        assert page["collisions"] == []
        assert len(page["pictures"]) == 2
        assert all(across > 0.8 * min(width, 1200) and down > 200 for across, down in page["pictures"])
        assert page["areas"]
        assert all(across > 1 and down > 1 for across, down in page["areas"])


def test_hostile_texts_run_no_script_and_break_no_width(tmp_path: Path) -> None:
    for width, page in zip(WIDTHS, opened(tmp_path, render(hostile(report(failover())))), strict=True):
        assert page["title"] == "Disaster recovery drill: passed"
        assert (page["scripts"], page["width"]) == (0, width)
