"""`harmonic report`: what is on the page of a run, whatever became of the run, and where the page may be written."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import resource
import shutil
import socket
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from report_runs import RATE, STARTED_AT, VERDICT, epoch_row, make_run, make_samples, no_bar, star
from typer.testing import CliRunner, Result

from harmonic_core.cli import app
from harmonic_core.errors import DiskError, ExitCode, HarmonicError, ProfileError, RunError
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.status import Verdict, process_identity
from harmonic_core.sharing.report.document import make_page
from harmonic_core.sharing.report.shareable import Shareable
from harmonic_core.sharing.report.sounds import Steps

NOW = datetime(2027, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = "\"'></script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m{{ 7 * 7 }}&lt;"


class Parsed(HTMLParser):
    """A page taken apart: its elements, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.seen: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._hidden = tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        """What follows is seen again."""
        self._hidden = False

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if not self._hidden:
            self.seen.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, with single blanks."""
        return " ".join(" ".join(self.seen).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(run: RunDirectory, steps: Steps | None = None, now: datetime = NOW, *, with_map: bool = False) -> str:
    page = make_page(run, now, steps=steps, with_map=with_map, watch=no_bar)
    return page.html.decode()


def parsed(run: RunDirectory, steps: Steps | None = None, *, with_map: bool = False) -> Parsed:
    return Parsed(page_of(run, steps, with_map=with_map))


def report(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def refused(*arguments: str | Path) -> HarmonicError:
    error = report(*arguments).exception
    assert isinstance(error, HarmonicError), error
    assert "\n" not in str(error)
    return error


def test_a_page_says_what_the_run_came_to(tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", settings=["train.epochs=10", "case_study.genre_accuracy=0.7"])
    text = parsed(run).text
    for words in (
        *("mine", "✓ finished", VERDICT.sentence, VERDICT.evidence, "Listen to it.", "All 10 epochs done."),
        *("4.83 dB", "the mean spectrum's 11.00 dB", "19 nats", "27.4 bits/s", "of 4", "10 of 10"),
        *("Loss", "Reconstruction error", "KL and beta", "Learning rate", "mean spectrum 11 dB"),
        *("KL of each dimension", "4 nats", "kNN genre accuracy", "– unknown"),
        *("[train]", "● epochs 10 default 100", "learning_rate 0.001"),
    ):
        assert words in text, words


def test_sounds_are_the_very_samples_and_every_one_has_its_picture_and_error(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    page = parsed(run)
    sounds = [each["src"].removeprefix("data:audio/flac;base64,") for each in page.all("audio")]
    assert len(sounds) == 4
    folder = run.samples / "step-00000100"
    for source, name in zip(sounds, ("original", "decoded", "reconstruction"), strict=False):
        heard, rate = soundfile.read(io.BytesIO(base64.b64decode(source)), dtype="int16")
        written, _ = soundfile.read(folder / f"recon-0.{name}.wav", dtype="int16")
        assert rate == RATE
        assert np.array_equal(heard, written)
    pictures = [each["src"] for each in page.all("img")]
    assert len(pictures) == 4
    # Tones of 300 and 500 Hz: the brightest row of the second lies higher.
    rows = []
    for source in (pictures[0], pictures[2]):
        image = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/webp;base64,"))))
        rows.append(int(np.asarray(image.convert("L"), np.float64).mean(axis=1).argmax()))
    assert rows[1] < rows[0]
    assert "0.65 dB" in page.text
    assert "4.32 dB" in page.text


def test_marked_samples_come_first_and_options_choose_others(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=(50, 100, 200))
    star(run, 50, note="the drums!")
    star(run, 40, title="an old one")

    def titles(steps: Steps | None) -> list[str]:
        places = re.findall(r"(?:epoch \d+, )?step \d+(?=</span>)|Epoch \d+, step \d+", page_of(run, steps))
        return list(dict.fromkeys(places))

    # The best step is 100, and has samples.
    assert titles(None) == ["epoch 5, step 50", "step 40", "Epoch 10, step 100"]
    assert titles("starred") == ["epoch 5, step 50", "step 40"]
    assert titles("newest") == ["Epoch 20, step 200"]
    assert titles("all") == ["Epoch 20, step 200", "Epoch 10, step 100", "Epoch 5, step 50"]
    text = parsed(run).text
    assert "the drums!" in text
    assert "an old one" in text
    assert "not in the run any more" in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("training", "It was training when this page was made, in epoch 10 of 10"),
        ("stopped", "■ stopped"),
        ("failed", "No music was found."),
        ("diverged", "✗ diverged"),
    ],
)
def test_a_run_may_be_in_any_state(tmp_path: Path, state: str, words: str) -> None:
    alive = {"heartbeat": datetime.now().timestamp(), **process_identity(os.getpid())} if state == "training" else {}
    run = make_run(tmp_path / "run", state=state, message="no music was found", **alive)
    assert words in parsed(run).text


def test_a_run_whose_trainer_is_gone_is_judged_anew(tmp_path: Path) -> None:
    waits = Verdict(kind="improving", sentence="Still improving.", evidence="e", action="Let it go on.")
    rows = [epoch_row(epoch) for epoch in range(1, 21)]
    run = make_run(tmp_path / "run", rows=rows, state="training", verdict=waits, settings=["train.epochs=40"])
    text = parsed(run).text
    assert "! lost" in text
    assert "Let it go on" not in text
    assert "resume" in text


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    fresh = make_run(tmp_path / "fresh", rows=[], steps=(), state="preparing", best=None, verdict=None, epoch=0)
    text = parsed(fresh, with_map=True).text
    for words in (
        *("No figures yet", "No verdict yet", "no figures to draw yet", "no samples yet", "no weights yet"),
        *("has not measured itself yet", "origin.json says nothing", "comes after epoch"),
    ):
        assert words in text, words
    bare = RunDirectory(tmp_path / "bare")
    bare.path.mkdir()
    shutil.copy(fresh.profile, bare.profile)
    assert "Nothing is known of how it ended." in parsed(bare).text
    shutil.copy(fresh.status, tmp_path / "bare")
    bare.profile.unlink()
    assert "profile.toml is missing" in parsed(bare).text


def test_damaged_files_take_nothing_else_with_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    folder = run.samples / "step-00000100"
    (folder / "recon-0.original.wav").unlink()
    (folder / "recon-0.decoded.wav").write_bytes(b"RIFF no sound at all")
    soundfile.write(folder / "recon-0.reconstruction.wav", np.zeros(0), RATE)
    run.stars.write_text("{")
    run.origin.write_text('{"starts": [7]}')
    with run.metrics.open("ab") as file:
        file.write(
            b'nonsense\n{"kind":"step","step":-3,"loss":1}\n{"kind":"step","step":101,"loss":1%s}\n' % (b"0" * 400)
        )
    with run.events.open("ab") as file:
        file.write(b'{"kind":7,"message":["x"],"time":"never"}\n')
    page = parsed(run)
    assert len(page.all("audio")) == 1
    for words in ("is missing", "cannot be read", "is empty", "stars.json cannot be understood", "n/a 7"):
        assert words in page.text, words


def test_where_no_map_can_be_drawn_the_newest_picture_of_the_run_stands_for_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    for epoch, shade in ((9, 10), (10, 200)):
        (run.visualizations / f"epoch_{epoch:03d}").mkdir(parents=True)
        Image.new("L", (20, 10), shade).save(run.visualizations / f"epoch_{epoch:03d}" / "latent_tsne.png")
    page = parsed(run, with_map=True)
    (source,) = [each["src"] for each in page.all("img") if "image/png" in each["src"]]
    picture = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))
    assert picture.getpixel((0, 0)) == 200
    assert "as the run drew them at epoch 10" in page.text
    assert "no weights yet" in page.text
    (run.visualizations / "epoch_010" / "latent_tsne.png").write_bytes(b"<svg onload='alert(1)'/>")
    assert "as the run drew them at epoch 9" in parsed(run, with_map=True).text


def test_hostile_strings_stay_text_wherever_they_come_from(tmp_path: Path) -> None:
    events = [
        {"time": STARTED_AT, "kind": "warning", "message": HOSTILE},
        {"time": STARTED_AT, "kind": HOSTILE, "message": HOSTILE},
        {"time": STARTED_AT, "kind": "refused", "title": HOSTILE, "message": HOSTILE},
    ]
    run = make_run(
        tmp_path / "run",
        settings=[f"run.description={HOSTILE}"],
        title=HOSTILE,
        events=events,
        message=HOSTILE,
        profile=HOSTILE,
        verdict=Verdict(kind="early", sentence=HOSTILE, evidence=HOSTILE, action=f"`{HOSTILE}`"),
    )
    star(run, 100, note=HOSTILE)
    star(run, 77, title=HOSTILE, note=HOSTILE)
    run.origin.write_text(json.dumps({"starts": [{"argv": ["x", HOSTILE], "versions": {HOSTILE: HOSTILE}}]}))
    html = page_of(run)
    page = Parsed(html)
    assert len(page.all("script")) == 2
    assert not page.all("link")[1:]
    assert all(each["src"].startswith("data:image/webp;base64,") for each in page.all("img"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count("alert(1)") >= 12
    assert "{{ 7 * 7 }}" in page.text
    assert "\x1b" not in html
    island = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert island
    assert set(json.loads(island[1])) == {"charts", "epochs", "strip"}


def test_a_page_that_is_given_away_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    folder = tmp_path / "al ice's secret place"
    run = make_run(
        folder / "run",
        settings=[
            "data.dataset=custom",
            f"data.custom_dir={folder}/music",
            "data.cache_dir=/srv/a cellar/cache",
            "train.resume_from=/srv/an attic/run",
        ],
        events=[{"time": 0, "kind": "warning", "message": f"{folder}/music/a.wav: odd; see /srv/cellar/b c.wav"}],
        host="alices-machine",
    )
    start = {
        "argv": ["/srv/cellar/bin/harmonic", "train", f"{folder}/p.toml", "--set", "x.y=/srv/old barn/z"],
        "directory": str(folder),
        "host": "alices-machine",
    }
    run.origin.write_text(json.dumps({"starts": [start]}))
    html = re.sub(r"data:[a-z]+/[a-z]+;base64,[^\"]*", "", page_of(run))
    for secret in (
        *("al ice", "secret place", "cellar", "attic", "barn", "alices-machine"),
        *(socket.gethostname(), f"{Path.home()}/"),
    ):
        assert secret not in html, secret
    assert "…/a.wav: odd" in html
    assert "harmonic train …/p.toml" in Parsed(html).text.replace("'", "")


def test_shares_and_fractions_are_no_folders() -> None:
    shareable = Shareable()
    for words in ("236 bits/s", "and/or", "12 / 60", "epoch 3/60", "https://example.org/a/b"):
        assert shareable(words) == words
    assert shareable("postgresql://me:secret@db/x") == "postgresql://…@db/x"
    assert shareable("in /home/alice, /home/alice/x y") == "in ~, ~/x y"
    assert shareable("--set data.custom_dir=/srv/music/jazz") == "--set data.custom_dir=…/jazz"
    assert shareable("cannot open:/home/alice/x.wav, file:///srv/music/x.wav") == "cannot open:~/x.wav, …/x.wav"


@pytest.mark.parametrize(
    ("home", "text", "shown"),
    [
        ("/", "236 bits/s of /srv/music/x.wav", "236 bits/s of …/x.wav"),
        ("", "and/or", "and/or"),
        ("/root", "/root, /rootkit, /root/x", "~, /rootkit, ~/x"),
    ],
)
def test_only_a_home_becomes_a_tilde(monkeypatch: pytest.MonkeyPatch, home: str, text: str, shown: str) -> None:
    monkeypatch.setenv("HOME", home)
    assert Shareable()(text) == shown


def test_the_same_run_gives_the_same_page_but_for_the_date(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    first, later = page_of(run), page_of(run, now=datetime(2028, 1, 1, tzinfo=UTC))
    assert page_of(run) == first
    assert later.replace("1 Jan 2028, 00:00 UTC", "3 Feb 2027, 04:05 UTC") == first


def test_the_page_is_written_into_the_run_and_replaced_the_next_time(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    for _ in range(2):
        done = report(run.path)
        assert done.exit_code == 0, done.exception
        assert re.fullmatch(rf"{run.path}/report\.html: \S+ kB, 2 samples\n", done.stdout)
        assert "no weights yet" in done.stderr
    told = json.loads(report(run.path, "--json", "--no-map", "-o", tmp_path / "other.html").stdout)
    assert told["bytes"] == (tmp_path / "other.html").stat().st_size
    assert told["samples"] == 2
    assert told["missing"] == ["origin.json says nothing: command and versions are not known."]
    assert sorted(path.name for path in run.path.iterdir() if path.suffix == ".html") == ["report.html"]


def test_a_run_is_found_by_a_checkpoint_too_and_nothing_else_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "runs" / "mine")
    (run.checkpoints / "step-00000100").mkdir()
    monkeypatch.chdir(tmp_path)
    assert report("mine", "--no-map").exit_code == 0
    assert report(run.checkpoints / "step-00000100", "--no-map").stdout.startswith(str(run.path))
    (tmp_path / "folder").mkdir()
    error = refused(tmp_path / "folder")
    assert isinstance(error, RunError)
    assert "not a run" in str(error)
    assert "mine" in str(error)
    (tmp_path / "alone.pt").write_bytes(b"")
    assert "lies in no run" in str(refused(tmp_path / "alone.pt"))
    (tmp_path / "given.safetensors").write_bytes(b"")
    assert "name the run" in str(refused(tmp_path / "given.safetensors"))
    assert "too long" in str(refused("a" * 300))


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    newer = make_run(tmp_path / "newer", version=2)
    error = refused(newer.path)
    assert isinstance(error, RunError)
    assert "newer version" in str(error)
    other = make_run(tmp_path / "other")
    other.profile.write_text(other.profile.read_text() + "\n[dreams]\ndepth = 3\n")
    error = refused(other.path)
    assert isinstance(error, ProfileError)
    assert error.exit_code == ExitCode.USAGE
    assert "dreams" in str(error)
    assert "another version" in str(error)
    assert not list(tmp_path.rglob("report.html"))


def test_only_reports_are_replaced_unless_it_is_insisted(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    precious = tmp_path / "precious.html"
    precious.write_text("<p>mine</p>")
    assert "is no report" in str(refused(run.path, "-o", precious))
    assert precious.read_text() == "<p>mine</p>"
    assert report(run.path, "--no-map", "-o", precious, "--force").exit_code == 0
    assert "no regular file" in str(refused(run.path, "-o", "/dev/null", "--force"))
    assert "this is a folder" in str(refused(run.path, "-o", tmp_path))
    assert "no such folder" in str(refused(run.path, "-o", tmp_path / "none" / "x.html"))
    error = refused(run.path, "-o", tmp_path / f"{'a' * 300}.html")
    assert "too long" in str(error)
    assert error.exit_code == ExitCode.DISK


def test_without_room_the_old_page_stays(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert report(run.path, "--no-map").exit_code == 0
    before = (run.path / "report.html").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        error = refused(run.path, "--no-map")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(error, DiskError)
    assert error.exit_code == ExitCode.DISK
    assert error.lacks_room
    assert "--output" in str(error)
    assert (run.path / "report.html").read_bytes() == before
    assert not list(run.path.glob(".report*"))


def test_thirty_samples_fit_into_ten_megabytes(tmp_path: Path) -> None:
    """Noise at the usual rate, which no codec makes small, with a little less of the highest tones, as music has it."""
    run = make_run(tmp_path / "run", steps=tuple(range(100, 1600, 100)))
    noise = np.random.default_rng(0)
    for path in run.samples.rglob("*.wav"):
        sound = np.convolve(noise.standard_normal(3 * 22050), np.ones(4) / 4, "same")
        soundfile.write(path, 0.1 * sound, 22050, subtype="PCM_16")
    page = make_page(run, NOW, steps="all", with_map=False, watch=no_bar)
    assert page.samples == 30
    assert len(page.html) < 10e6


def test_samples_that_came_while_the_page_was_made_are_no_trouble(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    make_samples(run, 300, "later")
    (run.samples / ".step-00000400.tmp").mkdir()
    (run.samples / "step-00000500").mkdir()
    assert "no samples yet" in parsed(run, "newest").text
