"""MAESTRO, whole and in part, from servers good and bad."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from download_server import MisbehavingServer
from download_tries import VERY_IMPATIENT, maestro, maestro_part, music, tree
from made_archives import maestro_csv, maestro_rows, maestro_site, maestro_sounds, wav, zip_of

from harmonic_core.data.download.progress import Meter
from harmonic_core.data.sources.maestro import find_tracks
from harmonic_core.errors import DataError, DiskError
from harmonic_core.profile.sections import Data

ZIP, CSV, JSON = "/maestro-v3.0.0.zip", "/maestro-v3.0.0.csv", "/maestro-v3.0.0.json"
ROWS = maestro_rows()
SITE = maestro_site(ROWS)
SOUNDS = {f"maestro-v3.0.0/{name}": data for name, data in maestro_sounds(ROWS).items()}
LISTS = {f"maestro-v3.0.0{name}": SITE[f"{name}"] for name in (CSV, JSON)}


@pytest.fixture
def server() -> Iterator[MisbehavingServer]:
    with MisbehavingServer(dict(SITE)) as served:
        yield served


def sounds(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in music(folder).items() if name.endswith(".wav")}


def wanted(**asked: object) -> dict[str, bytes]:
    """Sounds of the lines whose columns are as given."""
    rows = [row for row in ROWS if all(row[key] == value for key, value in asked.items())]
    return {
        f"maestro-v3.0.0/{row['audio_filename']}": SOUNDS[f"maestro-v3.0.0/{row['audio_filename']}"] for row in rows
    }


def test_the_whole_of_it_comes_with_its_lists_and_then_nothing_more(server: MisbehavingServer, tmp_path: Path) -> None:
    assert "complete, 15 files" in maestro(tmp_path, server.url)
    assert music(tmp_path) == {**SOUNDS, **LISTS, "maestro-v3.0.0/README": b"piano\n"}
    assert not (tmp_path / ".download").exists()
    asked = len(server.requests)
    assert "complete already" in maestro(tmp_path, server.url)
    assert len(server.requests) == asked


def test_what_a_mirror_lacked_of_the_whole_comes_from_a_better_one(server: MisbehavingServer, tmp_path: Path) -> None:
    server.files[f"/better{ZIP}"] = SITE[ZIP]
    lists = {name: data for name, data in LISTS.items() if name.endswith(".csv")}
    server.files[ZIP] = zip_of({**lists, **dict(list(SOUNDS.items())[1:])})
    maestro(tmp_path, server.url)
    assert "complete already" in maestro(tmp_path, server.url)
    maestro(tmp_path, f"{server.url}/better")
    assert sounds(tmp_path) == SOUNDS


def test_a_copy_that_was_put_there_by_hand_is_left_alone(server: MisbehavingServer, tmp_path: Path) -> None:
    for name, data in {**SOUNDS, **LISTS}.items():
        path = tmp_path / name.removeprefix("maestro-v3.0.0/")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert "complete already, 12 recordings" in maestro(tmp_path, server.url)
    assert not server.requests


def test_damage_inside_the_archive_is_found_without_a_hash(server: MisbehavingServer, tmp_path: Path) -> None:
    altered = bytearray(SITE[ZIP])
    altered[5000] ^= 0xFF
    server.files[ZIP] = bytes(altered)
    with pytest.raises(DataError, match="damaged"):
        maestro(tmp_path / "whole", server.url)
    assert not (tmp_path / "whole").exists()


def test_only_what_is_asked_for_is_fetched_and_later_wishes_add_to_it(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    maestro_part(tmp_path, server.url, years=[2004])
    assert music(tmp_path) == {**wanted(year=2004), **LISTS}
    assert not (tmp_path / ".download").exists()
    asked = len(server.requests)
    maestro_part(tmp_path, server.url, composers=["chopin"], official_parts=["train", "test"], years=[2004])
    assert len(server.requests) == asked
    maestro_part(tmp_path, server.url, composers=["BACH"])
    assert music(tmp_path) == {**wanted(year=2004), **wanted(canonical_composer="Johann Sebastian Bach"), **LISTS}


def test_far_less_than_the_archive_is_asked_of_the_server(server: MisbehavingServer, tmp_path: Path) -> None:
    server.files[ZIP] = zip_of({**SOUNDS, **{f"maestro-v3.0.0/2018/{n}.wav": wav(n, 20.0) for n in range(20)}})
    maestro_part(tmp_path, server.url, hours=0.2)
    spans = [asked.removeprefix("bytes=").split("-") for path, asked in server.requests if path == ZIP and asked]
    assert sum(int(last) - int(first) + 1 for first, last in spans) < len(server.files[ZIP]) / 10
    assert all(asked for path, asked in server.requests if path == ZIP)


def test_more_hours_hold_fewer_hours_and_every_part(server: MisbehavingServer, tmp_path: Path) -> None:
    seen: set[str] = set()
    for hours in (0.3, 0.6, 0.9, 5):
        maestro_part(tmp_path, server.url, hours=hours)
        maestro_part(tmp_path / "afresh", server.url, hours=hours)
        assert sounds(tmp_path / "afresh").items() <= sounds(tmp_path).items()
        assert seen <= sounds(tmp_path / "afresh").keys()
        seen = set(sounds(tmp_path / "afresh"))
        splits = {str(row["split"]) for row in ROWS if f"maestro-v3.0.0/{row['audio_filename']}" in seen}
        assert splits == {"train", "validation", "test"}
    assert seen == set(SOUNDS)


def test_what_is_downloaded_is_what_a_profile_with_the_same_wish_trains_on(
    server: MisbehavingServer, tmp_path: Path
) -> None:
    data = Data(dataset="maestro", official_parts=("train", "validation"), years=(2004, 2006))
    maestro_part(tmp_path, server.url, official_parts=data.official_parts, years=data.years)
    assert {f"maestro-v3.0.0/{track.title}" for track in find_tracks(tmp_path, data).tracks} == set(sounds(tmp_path))


def test_the_plan_is_told_before_it_is_carried_out(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    maestro_part(tmp_path, server.url, years=[2004])
    said = capfd.readouterr().err
    assert "CC BY-NC-SA 4.0" in said
    assert "4 recordings, 23 min (train" in said
    assert "4 of them to download: 6" in said
    assert "are free" in said


def test_cut_connections_and_errors_are_survived_member_by_member(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(ZIP, times=4)
    server.misbehave(ZIP, cut_after=5000, times=2)
    server.misbehave(ZIP, status=503, times=1)
    server.misbehave(ZIP, times=3)
    server.misbehave(ZIP, stall_after=100, times=1)
    server.misbehave(ZIP, wrong_start=True, times=1)
    maestro_part(tmp_path, server.url, VERY_IMPATIENT, years=[2004])
    assert music(tmp_path) == {**wanted(year=2004), **LISTS}


def test_recordings_that_have_arrived_stay_when_the_server_dies(server: MisbehavingServer, tmp_path: Path) -> None:
    server.misbehave(ZIP, times=5)
    server.misbehave(ZIP, cut_after=5000, times=10)
    with pytest.raises(DataError, match=r"cut.*gave up after 3 tries"):
        maestro_part(tmp_path, server.url, years=[2004])
    arrived = sounds(tmp_path)
    assert arrived
    assert arrived.items() < wanted(year=2004).items()
    server.manners.clear()
    asked = len(server.requests)
    maestro_part(tmp_path, server.url, years=[2004])
    assert sounds(tmp_path) == wanted(year=2004)
    assert all(path == ZIP for path, _ in server.requests[asked:])


def test_a_damaged_member_is_never_kept(server: MisbehavingServer, tmp_path: Path) -> None:
    altered = bytearray(SITE[ZIP])
    name = b"maestro-v3.0.0/2004/piece_00.wav"
    altered[altered.index(name) + len(name) + 5000] ^= 0xFF
    server.files[ZIP] = bytes(altered)
    with pytest.raises(DataError, match=r"piece_00\.wav: damaged.*gave up"):
        maestro_part(tmp_path, server.url, years=[2004])
    assert "maestro-v3.0.0/2004/piece_00.wav" not in sounds(tmp_path)


def test_without_ranges_the_whole_archive_is_recommended(server: MisbehavingServer, tmp_path: Path) -> None:
    server.ranges = False
    with pytest.raises(DataError, match=r"cannot send parts of a file.*without --hours.*whole archive") as refusal:
        maestro_part(tmp_path / "maestro", server.url, hours=1)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "maestro").exists()


def test_one_of_the_two_lists_is_enough(server: MisbehavingServer, tmp_path: Path) -> None:
    del server.files[CSV]
    maestro_part(tmp_path / "json", server.url, years=[2004])
    assert sounds(tmp_path / "json") == wanted(year=2004)
    del server.files[JSON]
    with pytest.raises(DataError, match=r"list of recordings.*csv: HTTP 404 .*json: HTTP 404 .*--base-url"):
        maestro_part(tmp_path / "none", server.url, years=[2004])


def test_a_page_in_place_of_a_list_is_not_taken_for_it(server: MisbehavingServer, tmp_path: Path) -> None:
    server.files[CSV] = b"<!DOCTYPE html><title>parked</title>"
    maestro_part(tmp_path / "json", server.url, years=[2004])
    assert music(tmp_path / "json") == {**wanted(year=2004), f"maestro-v3.0.0{JSON}": SITE[JSON]}
    server.files[JSON] = server.files[CSV]
    with pytest.raises(DataError, match=rf"{server.url}{JSON}: is not MAESTRO's list") as refusal:
        maestro_part(tmp_path / "none", server.url, years=[2004])
    assert "harmonic data download" not in str(refusal.value)
    assert not (tmp_path / "none").exists()


def test_a_member_that_unpacks_to_far_more_than_its_music_is_refused(server: MisbehavingServer, tmp_path: Path) -> None:
    rows = [{**ROWS[0], "duration": 1.0}, *ROWS[1:]]
    name = f"maestro-v3.0.0/{ROWS[0]['audio_filename']}"
    server.files[CSV] = maestro_csv(rows)
    server.files[ZIP] = zip_of({**SOUNDS, name: bytes(3_000_000)})
    with pytest.raises(DataError, match=rf"{ROWS[0]['audio_filename']} unpacks to 3\.0 MB, too much for 1"):
        maestro_part(tmp_path, server.url, hours=100)
    assert not sounds(tmp_path)


def test_an_empty_member_counts_as_not_there(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"maestro-v3.0.0/{ROWS[0]['audio_filename']}"
    server.files[ZIP] = zip_of({**SOUNDS, name: b""})
    maestro_part(tmp_path, server.url, hours=100)
    assert "1 listed recordings are not in this copy" in capfd.readouterr().err
    assert sounds(tmp_path) == {key: data for key, data in SOUNDS.items() if key != name}


def test_only_a_failed_attempt_makes_the_rate_be_measured_anew(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    restart = Meter.restart
    monkeypatch.setattr(Meter, "restart", lambda meter, done, total: (begun.append(done), restart(meter, done, total)))
    maestro_part(tmp_path / "smooth", server.url, years=[2004])
    assert not any(begun)
    server.misbehave(ZIP, times=5)
    server.misbehave(ZIP, cut_after=5000, times=1)
    maestro_part(tmp_path / "cut", server.url, years=[2004])
    assert len([done for done in begun if done]) == 1


def test_a_list_with_paths_that_lead_elsewhere_is_refused(server: MisbehavingServer, tmp_path: Path) -> None:
    rows = [{**ROWS[0], "audio_filename": "../../escaped.wav"}, *ROWS[1:]]
    server.files[CSV] = maestro_csv(rows)
    with pytest.raises(DataError, match="leads out of the folder"):
        maestro_part(tmp_path / "maestro", server.url, hours=100)
    assert not list(tmp_path.rglob("escaped*"))


def test_recordings_that_the_mirror_lacks_are_counted(
    server: MisbehavingServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.files[ZIP] = zip_of({name: data for name, data in SOUNDS.items() if not name.endswith("00.wav")})
    maestro_part(tmp_path, server.url, years=[2004])
    assert "1 listed recordings are not in this copy" in capfd.readouterr().err
    assert sounds(tmp_path) == {name: data for name, data in wanted(year=2004).items() if not name.endswith("00.wav")}


def test_a_wish_that_nothing_meets_names_what_there_is(server: MisbehavingServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no recordings of Satie; there are .*Chopin"):
        maestro_part(tmp_path / "maestro", server.url, composers=["Satie"])
    assert not (tmp_path / "maestro").exists()


def test_a_recording_that_was_damaged_afterwards_comes_back(server: MisbehavingServer, tmp_path: Path) -> None:
    maestro_part(tmp_path, server.url, years=[2004])
    (tmp_path / "maestro-v3.0.0/2004/piece_00.wav").write_bytes(b"RIFF")
    maestro_part(tmp_path, server.url, years=[2004])
    assert sounds(tmp_path) == wanted(year=2004)


def test_the_whole_completes_a_part(server: MisbehavingServer, tmp_path: Path) -> None:
    maestro_part(tmp_path, server.url, years=[2004])
    maestro(tmp_path, server.url)
    maestro(tmp_path / "afresh", server.url)
    assert tree(tmp_path / "afresh").items() <= tree(tmp_path).items()
    asked = len(server.requests)
    maestro_part(tmp_path, server.url, hours=1)
    assert len(server.requests) == asked


def test_too_small_a_disk_is_refused_before_anything_is_fetched(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harmonic_core.data.download import workplace

    usage = type("Usage", (), {"free": 40_000})
    monkeypatch.setattr(workplace.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DiskError, match=r"this part of MAESTRO needs 64\.\d kB more, and 40\.0 kB are free"):
        maestro_part(tmp_path, server.url, years=[2004])
    with pytest.raises(DiskError, match=r"MAESTRO \(archive and unpacked files\) needs"):
        maestro(tmp_path, server.url)
    with pytest.raises(DiskError, match=r"needs 228\.4 GB more"):
        maestro(tmp_path, None)
    assert not (tmp_path / "maestro-v3.0.0").exists()
