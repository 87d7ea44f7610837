"""Whole archives from servers that misbehave: GTZAN, small, over loopback."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from download_server import MisbehavingServer
from download_tries import VERY_IMPATIENT, gtzan, maestro_part, music, tree
from made_archives import gtzan_clips, tar_gz

from harmonic_core.data.download.connection import address, shown
from harmonic_core.errors import DataError

NAME = "/genres.tar.gz"
CLIPS = gtzan_clips()
ARCHIVE = tar_gz(CLIPS)
OTHER_CLIPS = {**CLIPS, "genres/rock/rock.00009.wav": CLIPS["genres/rock/rock.00000.wav"]}


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer({NAME: ARCHIVE}) as served:
        yield served


def test_an_archive_is_unpacked_under_its_final_name_and_nothing_else_stays(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    said = gtzan(tmp_path / "new" / "gtzan", server.url)
    assert "20 of 1000 clips of GTZAN" in said
    assert music(tmp_path / "new" / "gtzan") == CLIPS
    assert {path.name for path in (tmp_path / "new" / "gtzan").iterdir()} == {"genres", ".harmonic-download.json"}


def test_a_second_call_asks_nobody(server: MisbehavingServer, tmp_path: Path) -> None:
    gtzan(tmp_path, server.url)
    asked = len(server.requests)
    assert "20 of 1000 clips of GTZAN are here already" in gtzan(tmp_path, server.url)
    assert len(server.requests) == asked


def test_what_an_incomplete_mirror_had_is_not_enough_for_another(server: MisbehavingServer, tmp_path: Path) -> None:
    gtzan(tmp_path, server.url)
    server.files[f"/fuller{NAME}"] = tar_gz(OTHER_CLIPS)
    gtzan(tmp_path, f"{server.url}/fuller")
    assert music(tmp_path) == OTHER_CLIPS


def test_a_clip_that_was_lost_or_damaged_afterwards_comes_back(server: MisbehavingServer, tmp_path: Path) -> None:
    gtzan(tmp_path, server.url)
    (tmp_path / "genres/pop/pop.00001.wav").unlink()
    (tmp_path / "genres/jazz/jazz.00000.wav").write_bytes(b"damaged")
    (tmp_path / "genres/notes.txt").write_text("mine")
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == {**CLIPS, "genres/notes.txt": b"mine"}


def test_cut_connections_are_gone_on_with(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, cut_after=9000)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS
    starts = [asked for path, asked in server.requests if path == NAME]
    assert starts[:3] == [None, "bytes=9000-", "bytes=18000-"]


def test_an_interrupted_download_goes_on_in_a_later_call(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, cut_after=20000, times=1)
    server.misbehave(NAME, status=503, times=3)
    with pytest.raises(DataError, match=r"HTTP 503 \(service unavailable\).*gave up after 3 tries"):
        gtzan(tmp_path, server.url)
    assert not (tmp_path / "genres").exists()
    gtzan(tmp_path, server.url)
    assert server.requests[-1] == (NAME, "bytes=20000-")
    assert music(tmp_path) == CLIPS


def test_a_server_without_ranges_makes_it_start_over_and_say_so(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.ranges = False
    server.misbehave(NAME, cut_after=9000, times=2)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS
    assert "the server cannot resume; starting over" in capfd.readouterr().err


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(server: MisbehavingServer, tmp_path: Path) -> None:
    server.ranges = False
    server.misbehave(NAME, cut_after=9000)
    with pytest.raises(DataError, match=r"cut.*9\.0 kB.*gave up after 3 tries without progress"):
        gtzan(tmp_path / "gtzan", server.url)
    assert server.count(NAME) < 10


@pytest.mark.parametrize("ignores_if_range", [False, True], ids=["If-Range kept", "If-Range ignored"])
def test_parts_of_different_archives_are_never_mixed(
    server: MisbehavingServer, tmp_path: Path, ignores_if_range: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    server.misbehave(NAME, cut_after=9000, times=1)
    server.misbehave(NAME, status=503, times=3)
    with pytest.raises(DataError):
        gtzan(tmp_path, server.url)
    server.files[NAME] = tar_gz(OTHER_CLIPS)
    server.misbehave(NAME, ignores_if_range=ignores_if_range)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == OTHER_CLIPS
    assert "changed on the server; starting over" in capfd.readouterr().err


def test_a_mixture_that_no_header_gave_away_is_found_out_and_fetched_anew(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    server.etags = False
    server.misbehave(NAME, cut_after=9000, times=1)
    server.misbehave(NAME, status=503, times=3)
    with pytest.raises(DataError):
        gtzan(tmp_path, server.url)
    altered = bytearray(ARCHIVE)
    altered[5000] ^= 0xFF
    part = tmp_path / ".download/genres.tar.gz.part"
    part.write_bytes(altered[: part.stat().st_size])
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


def test_a_part_longer_than_the_archive_is_thrown_away(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, cut_after=9000, times=1)
    server.misbehave(NAME, status=503, times=3)
    with pytest.raises(DataError):
        gtzan(tmp_path, server.url)
    with (tmp_path / ".download/genres.tar.gz.part").open("ab") as part:
        part.write(bytes(len(ARCHIVE)))
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


def test_a_range_refused_because_nothing_is_missing_ends_the_download(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    server.misbehave(NAME, too_long_by=500, times=1)
    gtzan(tmp_path, server.url)
    assert (NAME, f"bytes={len(ARCHIVE)}-") in server.requests
    assert music(tmp_path) == CLIPS


def test_another_range_than_was_asked_for_is_not_taken(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, cut_after=9000, times=1)
    server.misbehave(NAME, wrong_start=True, only_ranges=True, times=1)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


def test_a_length_that_is_too_short_never_passes_for_the_archive(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, too_long_by=-700)
    with pytest.raises(DataError, match="damaged"):
        gtzan(tmp_path, server.url)
    assert not (tmp_path / "genres").exists()


def test_a_length_that_is_always_too_long_is_seen_through(server: MisbehavingServer, tmp_path: Path) -> None:
    server.ranges = False
    server.misbehave(NAME, too_long_by=700)
    with pytest.raises(DataError, match=r"cut.*gave up"):
        gtzan(tmp_path, server.url)


@pytest.mark.parametrize("manner", [{"chunked": True}, {"no_length": True}], ids=["in chunks", "until it closes"])
def test_an_archive_of_unknown_length_is_taken(
    server: MisbehavingServer, tmp_path: Path, manner: dict[str, bool]
) -> None:
    server.misbehave(NAME, **manner)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


def test_a_slow_drip_is_no_reason_to_give_up(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, drip=2000, pause_s=0.03)
    gtzan(tmp_path, server.url)
    assert server.count(NAME) == 1
    assert music(tmp_path) == CLIPS


def test_a_server_that_falls_silent_is_asked_again(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.misbehave(NAME, stall_after=30000, times=1)
    gtzan(tmp_path, server.url, VERY_IMPATIENT)
    assert music(tmp_path) == CLIPS
    assert "not a byte for 0.5 s" in capfd.readouterr().err


def test_an_internal_error_passes(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(NAME, status=500, times=2)
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


@pytest.mark.parametrize("status", [403, 404, 410, 204, 416])
def test_a_refusal_is_final_and_named(server: MisbehavingServer, tmp_path: Path, status: int) -> None:
    server.misbehave(NAME, status=status)
    with pytest.raises(DataError, match=rf"{server.url}{NAME}: HTTP {status} .*--base-url"):
        gtzan(tmp_path / "gtzan", server.url)
    assert server.count(NAME) == 1
    assert not (tmp_path / "gtzan").exists()


def test_redirects_are_followed(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave("/old/genres.tar.gz", status=302, headers={"Location": f"{server.url}{NAME}"})
    gtzan(tmp_path, f"{server.url}/old")
    assert music(tmp_path) == CLIPS


@pytest.mark.parametrize(
    ("location", "words"),
    [(NAME, "redirects that never end"), ("file:///etc/passwd", "not HTTP"), ("http://[::1/", "address that is none")],
)
def test_redirects_that_lead_nowhere_are_refused_at_once(
    server: MisbehavingServer, tmp_path: Path, location: str, words: str
) -> None:
    server.misbehave(NAME, status=301, headers={"Location": location})
    with pytest.raises(DataError, match=words):
        gtzan(tmp_path, server.url)


def test_an_error_page_is_not_taken_for_the_archive(server: MisbehavingServer, tmp_path: Path) -> None:
    server.files[NAME] = b"<!DOCTYPE html><title>\x1b[31mparked</title>" + bytes(100_000)
    with pytest.raises(DataError, match="is not the archive; it begins with '<!DOCTYPE html>") as refusal:
        gtzan(tmp_path / "gtzan", server.url)
    assert "\x1b" not in str(refusal.value)
    assert not (tmp_path / "gtzan").exists()


def test_nobody_at_home_is_said_in_words(tmp_path: Path) -> None:
    # Bound, so that nobody else gets the port, but not listened to.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(DataError, match="the connection was refused"):
            gtzan(tmp_path / "gtzan", f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert not (tmp_path / "gtzan").exists()


def test_a_server_without_proper_tls_is_asked_only_once(server: MisbehavingServer, tmp_path: Path) -> None:
    secure = server.url.replace("http://", "https://")
    for download in (gtzan, maestro_part):
        with pytest.raises(DataError, match=r"no secure connection \(TLS\)") as refusal:
            download(tmp_path / "music", secure)
        assert "gave up" not in str(refusal.value)


def test_a_pinned_hash_must_be_met(server: MisbehavingServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"has the SHA-256 {hashlib.sha256(ARCHIVE).hexdigest()} instead of {'0' * 64}"):
        gtzan(tmp_path / "gtzan", server.url, sha256="0" * 64)
    assert not (tmp_path / "gtzan").exists()
    gtzan(tmp_path, server.url, sha256=hashlib.sha256(ARCHIVE).hexdigest())
    assert music(tmp_path) == CLIPS


@pytest.mark.parametrize("name", ["/SHA256SUMS", f"{NAME}.sha256"])
def test_a_list_of_hashes_beside_the_archive_counts(server: MisbehavingServer, tmp_path: Path, name: str) -> None:
    right = hashlib.sha256(ARCHIVE).hexdigest()
    server.files[name] = f"{'1' * 64}  other.zip\n{'2' * 64} *genres.tar.gz\n".encode()
    with pytest.raises(DataError, match=f"{right} instead of {'2' * 64}"):
        gtzan(tmp_path, server.url)
    server.files[name] = f"{right}  genres.tar.gz\n".encode()
    gtzan(tmp_path, server.url)
    assert music(tmp_path) == CLIPS


def test_a_list_of_hashes_vouches_for_nothing_in_the_archive(server: MisbehavingServer, tmp_path: Path) -> None:
    server.files[NAME] = unsound = tar_gz({**CLIPS, "genres/jazz/jazz.00055.wav": b"\0" * 500})
    server.files["/SHA256SUMS"] = f"{hashlib.sha256(unsound).hexdigest()}  genres.tar.gz\n".encode()
    with pytest.raises(DataError, match=r"jazz\.00055\.wav.*do not decode"):
        gtzan(tmp_path, server.url)


def test_altered_bytes_are_found_without_any_hash(server: MisbehavingServer, tmp_path: Path) -> None:
    altered = bytearray(ARCHIVE)
    altered[len(altered) // 2] ^= 0x55
    server.files[NAME] = bytes(altered)
    with pytest.raises(DataError, match="damaged"):
        gtzan(tmp_path / "gtzan", server.url)
    assert not (tmp_path / "gtzan").exists()


def test_a_clip_that_does_not_decode_is_refused_except_for_the_known_one(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.files[NAME] = tar_gz({**CLIPS, "genres/jazz/jazz.00054.wav": b"\0" * 500})
    gtzan(tmp_path / "known", server.url)
    assert "jazz.00054.wav does not decode" in capfd.readouterr().err
    server.files[NAME] = unsound = tar_gz({**CLIPS, "genres/jazz/jazz.00055.wav": b"\0" * 500})
    with pytest.raises(DataError, match=r"jazz\.00055\.wav.*do not decode.*--sha256"):
        gtzan(tmp_path / "unknown", server.url)
    gtzan(tmp_path / "pinned", server.url, sha256=hashlib.sha256(unsound).hexdigest())


def test_the_archive_is_kept_only_when_asked_and_then_used_again(server: MisbehavingServer, tmp_path: Path) -> None:
    right = hashlib.sha256(ARCHIVE).hexdigest()
    gtzan(tmp_path, server.url, sha256=right, keep_archive=True)
    assert music(tmp_path) == {**CLIPS, "genres.tar.gz": ARCHIVE}
    asked = len(server.requests)
    (tmp_path / "genres/pop/pop.00001.wav").unlink()
    gtzan(tmp_path, server.url, sha256=right)
    assert len(server.requests) == asked
    assert music(tmp_path) == {**CLIPS, "genres.tar.gz": ARCHIVE}


def test_names_and_passwords_are_sent_but_never_shown_or_written(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url = server.url.replace("http://", "http://me:sesame@")
    server.misbehave(NAME, cut_after=9000, times=1)
    server.misbehave(NAME, status=403, times=1)
    with pytest.raises(DataError, match="HTTP 403") as refusal:
        gtzan(tmp_path, url)
    assert all("sesame" not in text for text in (str(refusal.value), capfd.readouterr().err))
    assert all(b"sesame" not in data for data in tree(tmp_path).values())
    assert server.authorization[-1] is not None


def test_addresses_keep_their_query_and_lose_their_secrets_when_shown() -> None:
    assert address("https://a.b/c/?token=1", "x.zip") == "https://a.b/c/x.zip?token=1"
    assert shown("https://me:pw@a.b:80/c/x.zip?token=1#f") == "https://a.b:80/c/x.zip"
