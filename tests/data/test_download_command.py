"""`harmonic data download`, as it is typed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from download_server import MisbehavingServer
from download_tries import gtzan as download_gtzan
from download_tries import maestro as download_maestro
from download_tries import music, tree
from made_archives import gtzan_clips, maestro_site, tar_gz
from programs import DEADLINE_S, Programs, wait_until
from typer.testing import CliRunner

from harmonic_core.cli import app
from harmonic_core.data.download import gtzan, maestro
from harmonic_core.errors import DataError, ProfileError

CLIPS = gtzan_clips(1)
SITE = {"/genres.tar.gz": tar_gz(CLIPS), **maestro_site()}


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer(dict(SITE)) as served:
        yield served


def test_gtzan_goes_to_its_default_folder_and_the_result_alone_to_stdout(
    server: MisbehavingServer, harmonic: Programs
) -> None:
    done = harmonic.run("data", "download", "gtzan", "--base-url", server.url)
    assert music(harmonic.place / "data/gtzan") == CLIPS
    assert done.stdout == "data/gtzan: 10 of 1000 clips of GTZAN, 32.4 kB\n"
    assert "research" in done.stderr
    assert "here already" in harmonic.run("data", "download", "gtzan", "--base-url", server.url).stdout


def test_a_part_of_maestro_is_asked_for_with_flags(server: MisbehavingServer, harmonic: Programs) -> None:
    arguments = ("data", "download", "maestro", "--base-url", server.url, "--dataset-dir", "piano")
    done = harmonic.run(
        *arguments, "--split", "TRAIN,Test", "--years", "1900-2004,2007-2009", "--composers", "chopin,LISZT"
    )
    assert done.stdout.startswith("piano/maestro-v3.0.0: 6 recordings, ")
    years = {path.parent.name for path in (harmonic.place / "piano").rglob("*.wav")}
    assert years == {"2004", "2008"}


def test_interrupted_it_ends_at_once_and_says_how_to_go_on(server: MisbehavingServer, harmonic: Programs) -> None:
    part = harmonic.place / "music/.download/genres.tar.gz.part"
    endings = (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)
    for silences, (number, code) in enumerate(endings, 1):
        server.misbehave("/genres.tar.gz", stall_after=9000, times=1)
        process = harmonic.start("data", "download", "gtzan", "--base-url", server.url, "--dataset-dir", "music")
        wait_until(lambda silences=silences: server.silences == silences and part.exists(), "it receives")
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == code
    assert "the same command goes on" in (harmonic.place / "stderr.txt").read_text()
    assert "Traceback" not in (harmonic.place / "stderr.txt").read_text()
    harmonic.run("data", "download", "gtzan", "--base-url", server.url, "--dataset-dir", "music")
    assert music(harmonic.place / "music") == CLIPS


def test_of_two_downloads_into_one_folder_the_second_says_so(server: MisbehavingServer, harmonic: Programs) -> None:
    (harmonic.place / "music/.download").mkdir(parents=True)
    with (harmonic.place / "music/.download/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = harmonic.run(
            "data", "download", "gtzan", "--base-url", server.url, "--dataset-dir", "music", expect=1
        )
    assert "another download" in refused.stderr
    assert "--dataset-dir" in refused.stderr
    harmonic.run("data", "download", "gtzan", "--base-url", server.url, "--dataset-dir", "music")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo"], "needs no download"),
        (["custom"], "--custom-dir"),
        (["combined"], "one after the other"),
        (["\x1b[31mx"], r"\x1b[31mx' cannot be downloaded"),
        (["gtzan", "--hours", "3"], "GTZAN comes whole"),
        (["maestro", "--hours", "-1"], "--hours -1: give a number above 0"),
        (["maestro", "--hours", "nan"], "give a number above 0"),
        (["maestro", "--years", ","], "--years ',': give at least one"),
        (["maestro", "--years", "\u0662\u0660\u0660\u0664"], "such as 2004,2006-2009"),
        (["maestro", "--years", "0001-1899"], "from 1900 to 2100"),
        (["maestro", "--composers", ""], "--composers '': give at least one"),
        (["maestro", "--split", " , "], "give at least one"),
        (["gtzan", "--dataset-dir", ""], "--dataset-dir ''"),
        (["maestro", "--split", "tran"], "--split"),
        (["maestro", "--years", "2008-2004"], "such as 2004,2006-2009"),
        (["maestro", "--hours", "1", "--sha256", "0" * 64], "whole archives"),
        (["gtzan", "--sha256", "abc"], "64 digits"),
        (["gtzan", "--base-url", "file:///srv/music"], "http://"),
        (["gtzan", "--base-url", "http://me:sesame@"], "http://"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refusal = CliRunner().invoke(app, ["data", "download", *arguments]).exception
    assert isinstance(refusal, ProfileError)
    assert words in str(refusal)
    assert "\x1b" not in str(refusal)
    assert "sesame" not in str(refusal)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_one_is_said_in_a_line(server: MisbehavingServer, harmonic: Programs) -> None:
    (harmonic.place / "file").write_text("mine")
    refused = harmonic.run(
        "data", "download", "gtzan", "--base-url", server.url, "--dataset-dir", "file/gtzan", expect=1
    )
    assert "not a folder" in refused.stderr
    assert (harmonic.place / "file").read_text() == "mine"


def test_a_terminal_sees_a_bar_with_rate_and_time_left(server: MisbehavingServer, harmonic: Programs) -> None:
    server.misbehave("/genres.tar.gz", drip=4000, pause_s=0.02)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*harmonic.command, "data", "download", "gtzan", "--base-url", server.url],
        cwd=harmonic.place,
        env={**harmonic.environment, "TERM": "xterm-256color", "COLUMNS": "120"},
        stderr=theirs,
        stdout=subprocess.DEVNULL,
    )
    os.close(theirs)
    seen = b""
    try:
        while block := os.read(ours, 4096):
            seen += block
    except OSError:
        pass
    os.close(ours)
    assert process.wait(DEADLINE_S) == 0
    assert all(word in seen.decode() for word in ("genres.tar.gz", "━", "/s", "0:00"))


def test_official_mirrors_are_tried_in_order_and_another_archive_is_checked_by_content(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    published = replace(
        gtzan.GTZAN, urls=(f"{server.url}/dead/genres.tar.gz", f"{server.url}/few/genres.tar.gz", f"{server.url}/all/g")
    )
    monkeypatch.setattr(gtzan, "GTZAN", published)
    monkeypatch.setattr(gtzan, "CLIPS", 2)
    clips = gtzan_clips(2)
    server.files["/few/genres.tar.gz"] = tar_gz(CLIPS)
    server.files["/all/g"] = tar_gz({**clips, "genres/jazz/jazz.00054.wav": b"not sound"})
    assert "GTZAN is complete, 21 files" in download_gtzan(tmp_path, None)
    said = capfd.readouterr().err
    assert "HTTP 404 (not found); trying the next address" in said
    assert "not that of the published archive" in said
    assert "lacks 10 files, such as blues.00001.wav; trying the next address" in said
    assert music(tmp_path).keys() == {*clips, "genres/jazz/jazz.00054.wav"}


def test_an_archive_of_the_published_hash_is_believed(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = SITE["/maestro-v3.0.0.zip"]
    published = replace(
        maestro.MAESTRO,
        urls=(f"{server.url}/maestro-v3.0.0.zip",),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        unpacked_size=3 * len(data),
    )
    monkeypatch.setattr(maestro, "MAESTRO", published)
    download_maestro(tmp_path / "right", None)
    assert "SHA-256: as expected" in capfd.readouterr().err
    server.files["/maestro-v3.0.0.zip"] = data[:-1] + b"\1"
    with pytest.raises(DataError, match="has the SHA-256"):
        download_maestro(tmp_path / "altered", None)
    server.files["/maestro-v3.0.0.zip"] = data + b"\1"
    with pytest.raises(DataError, match=f"has {len(data) + 1} bytes instead of {len(data)}"):
        download_maestro(tmp_path / "longer", None)
    assert not (tmp_path / "altered").exists()
    assert not (tmp_path / "longer").exists()
    assert tree(tmp_path / "right")
