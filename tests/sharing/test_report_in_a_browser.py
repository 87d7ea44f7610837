"""The report of a real run in a real browser: it asks for nothing, sounds, fits, and hears the keyboard."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from programs import TINY, Programs
from report_browser import Tab, browser
from report_runs import make_run, no_bar, star

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Verdict
from harmonic_core.sharing.report.document import make_page

pytestmark = pytest.mark.slow

HOSTILE = "\"'></script><script>document.title='broken'</script><img src=http://127.0.0.1:9/x onerror=alert(2)>"
AT = "current.audio.currentTime"
SOUNDING = "samples.flatMap(s => s.takes).filter(t => !t.audio.paused).length"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, audio_cache: Path) -> Path:
    """The report of a run that did two epochs of the demo, as the command writes it."""
    place = tmp_path_factory.mktemp("trained")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARMONIC_", "XDG_", "PYTHONPATH"))}
    ours = {"HOME": str(place), "XDG_CACHE_HOME": str(audio_cache), "OMP_NUM_THREADS": "1"}
    harmonic = Programs(place, {**kept, **ours})
    tiny = [argument for key, value in TINY.items() for argument in ("--set", f"{key}={value}")]
    more = [
        "--set",
        "evaluation.evaluation_share=1",
        "--set",
        "data.segment_length=3",
        "--set",
        "output.visualize_every=1",
    ]
    harmonic.run(
        "train",
        "demo",
        "--epochs",
        "2",
        "--set",
        "data.validation_split=0.3",
        *tiny,
        *more,
        "--output-dir",
        "runs/mine",
    )
    done = harmonic.run("report", "mine")
    assert "runs/mine/report.html" in done.stdout
    assert "Traceback" not in done.stderr
    return place / "runs/mine/report.html"


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with browser(tmp_path / "browser") as tab:
        yield tab


def written(run: RunDirectory) -> Path:
    page = make_page(run, datetime.now(UTC), with_map=False, watch=no_bar)
    path = run.path / "report.html"
    path.write_bytes(page.html)
    return path


async def test_a_sound_plays_and_no_request_leaves_the_page(trained: Path, tab: Tab) -> None:
    await tab.open(trained)
    await tab.click(".pairs .take:nth-child(1) button.play")
    await tab.until(f"current && {AT} > 0.3")
    first = await tab.value(AT)
    await tab.until(f"{AT} > {first}")
    assert await tab.value(SOUNDING) == 1
    await tab.click(".many .take button.play")
    await tab.until(f"current.name === 'Drawn from the prior' && {AT} > 0.1 && {SOUNDING} === 1")
    for target in await tab.value("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))"):
        await tab.click(f"nav a[href='{target}']")
    assert tab.requests() == [trained.as_uri()]
    assert tab.complaints() == []


async def test_the_policy_stops_whatever_would_leave(trained: Path, tab: Tab) -> None:
    await tab.open(trained)
    stopped = await tab.value(
        """new Promise((resolve) => {
          const seen = new Set();
          document.addEventListener("securitypolicyviolation", (event) => {
            seen.add(event.effectiveDirective);
            if (seen.size === 6) resolve([...seen].sort());
          });
          const put = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
          fetch("http://127.0.0.1:9/").catch(() => {});
          put("img", { src: "http://127.0.0.1:9/x.png" });
          put("script", { textContent: "window.broken = true" });
          put("style", { textContent: "body { color: red }" });
          put("iframe", { src: "http://127.0.0.1:9/" });
          new Audio("http://127.0.0.1:9/x.wav").load();
        })"""
    )
    assert stopped == ["connect-src", "frame-src", "img-src", "media-src", "script-src-elem", "style-src-elem"]
    assert await tab.value("window.broken") is None


async def test_takes_are_compared_at_the_same_place_by_mouse_and_by_keys(trained: Path, tab: Tab) -> None:
    await tab.open(trained)
    assert await tab.value("document.querySelector('#bar').hidden")
    await tab.click(".pairs .picture", across=0.3)
    await tab.until(f"current && current.name === 'Original' && {AT} > 0.95")
    await tab.press("3")
    await tab.until(f"current.name === 'Reconstruction' && !current.audio.paused && {SOUNDING} === 1")
    assert await tab.value(AT) > 0.9
    await tab.press("2")
    await tab.until(f"current.name === 'Decoded original' && !current.audio.paused && {SOUNDING} === 1")
    await tab.value("document.activeElement.blur()")
    await tab.press(" ", " ")
    await tab.until("current.audio.paused")
    held = await tab.value(AT)
    assert held > 0.9
    assert await tab.value("document.querySelector('#toggle').getAttribute('aria-label')") == "Play"
    await tab.click("#choices button:nth-child(1)")
    await tab.until(f"current.name === 'Original' && !current.audio.paused && {AT} >= {held} - 0.05")
    await tab.click("#again")
    await tab.until("current.audio.loop")
    # Round once: the end is the beginning.
    await tab.until(f"{AT} > {held}")
    await tab.until(f"{AT} < {held} && !current.audio.paused")


async def test_places_are_sought_by_keys_and_told_to_screen_readers(trained: Path, tab: Tab) -> None:
    await tab.open(trained)
    await tab.value("document.querySelector('.picture').focus()")
    await tab.press("ArrowRight")
    await tab.press("ArrowRight")
    assert await tab.value("document.activeElement.getAttribute('aria-valuetext')") == "0.3 of 3.0 seconds"
    await tab.press("Enter")
    await tab.until(f"current && {AT} > 0.35")
    await tab.value("pause(), document.querySelector('.chart svg').focus()")
    await tab.press("End")
    told = await tab.value("document.activeElement.getAttribute('aria-valuetext')")
    assert told.startswith("step ")
    assert " · epoch 2: training 0." in told
    nameless = (
        "[...document.querySelectorAll('button, [role], audio, img, input')].filter(e => !(e.getAttribute('aria-label')"
        " || e.alt || e.textContent.trim() || (e.labels && e.labels.length) || e.getAttribute('aria-hidden')))"
        ".filter(e => e.id !== 'trouble').map(e => e.outerHTML.slice(0, 80))"
    )
    assert await tab.value(nameless) == []


async def test_it_fits_a_phone_and_a_desk_in_both_schemes(trained: Path, tab: Tab, tmp_path: Path) -> None:
    await tab.open(trained)
    grounds = set()
    for dark in (False, True):
        for width in (400, 1400):
            await tab.look(width=width, dark=dark)
            await tab.until(f"innerWidth === {width}")
            assert await tab.value("document.documentElement.scrollWidth") == width
            ground, ink = await tab.value(
                "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
            )
            grounds.add(ground)
            assert contrast(ground, ink) > 7
            wide = await tab.value("document.querySelector('.pairs .take').getBoundingClientRect().width")
            assert (wide > 300) if width == 400 else (wide < 450)
    assert len(grounds) == 2
    await tab.look(width=800, dark=True, print_it=True)
    assert await tab.value("getComputedStyle(document.querySelector('button.play')).display") == "none"
    assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.complaints() == []


async def test_the_map_has_the_tracks_by_genre(trained: Path, tab: Tab) -> None:
    await tab.open(trained)
    titles = await tab.value("[...document.querySelectorAll('.p title')].map(t => t.textContent)")
    assert len(titles) >= 8
    assert all(" at " in title and " s, " in title for title in titles)
    genres = await tab.value("[...document.querySelectorAll('.legend button')].map(b => b.textContent.trim())")
    assert len(genres) >= 2
    assert {title.rsplit(", ", 1)[1] for title in titles} == {genre.rsplit(" ", 1)[0] for genre in genres}
    await tab.click(".legend button")
    dimmed = await tab.value("document.querySelectorAll('.p.dim').length")
    assert 0 < dimmed < len(titles)
    assert await tab.value("document.querySelectorAll('.strip rect').length") == 8
    assert await tab.value("document.querySelector('#measured td').textContent") != ""


async def test_hostile_strings_do_nothing_in_a_browser(tab: Tab, tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "run",
        settings=[f"run.description={HOSTILE}"],
        title=HOSTILE,
        message=HOSTILE,
        events=[{"time": 0, "kind": "warning", "message": HOSTILE}],
        verdict=Verdict(kind="early", sentence=HOSTILE, evidence=HOSTILE, action=f"`{HOSTILE}`"),
    )
    star(run, 100, note=HOSTILE)
    path = written(run)
    await tab.open(path)
    await tab.click(".take button.play")
    await tab.until(f"current && {AT} > 0.1")
    assert await tab.value("document.title") == "run: HarmonicVAE report"
    assert HOSTILE in await tab.value("document.querySelector('.sample .note').textContent")
    assert HOSTILE in await tab.value("document.querySelector('#heard').textContent")
    assert await tab.value("document.querySelectorAll('script').length") == 2
    await tab.look(width=400, dark=False)
    assert await tab.value("document.documentElement.scrollWidth") == 400
    assert tab.requests() == [path.as_uri()]
    assert tab.complaints() == []


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as the WCAG counts it."""

    def luminance(colour: str) -> float:
        shares = [int(each) / 255 for each in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
