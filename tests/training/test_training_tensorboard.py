"""What TensorBoard reads back of a run."""

from __future__ import annotations

import io
import math
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.samples import Sample, step_folder
from harmonic_core.training.tensorboard import TensorBoardLog

RATE = 8_000


def board(folder: Path) -> EventAccumulator:
    """Everything in the event files of a folder, as TensorBoard understands it."""
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0, "audio": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in board(folder).Scalars(tag)]


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process can be longer than `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def row(step: int, loss: float) -> dict[str, object]:
    return {"kind": "step", "step": step, "epoch": 1, "time": 1e9 + step, "loss": loss}


def sample(run: RunDirectory, step: int, index: int, title: str, *takes: str) -> None:
    """One item of a set of samples, of half a second and a little more with every take."""
    folder = step_folder(run, step)
    folder.mkdir(parents=True, exist_ok=True)
    kind = "prior" if takes == ("prior",) else "recon"
    files = {take: f"{kind}-{index}.{take}.wav" for take in takes}
    for number, name in enumerate(files.values()):
        tone = 0.5 * np.sin(np.arange(RATE // 2 + number) / 5)
        soundfile.write(folder / name, tone, RATE, subtype="PCM_16")
    item = Sample(
        kind="prior" if kind == "prior" else "reconstruction",
        index=index,
        step=step,
        epoch=1,
        title=title,
        files=files,
        duration_s=0.5,
        level_db=dict.fromkeys(takes, -9.0),
        envelope=[1.0],
    )
    (folder / f"{kind}-{index}.json").write_text(item.model_dump_json(), encoding="utf-8")


def test_every_number_of_a_row_is_a_scalar_at_its_step_and_time(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.row({"kind": "epoch", "step": 30, "epoch": 3, "time": 1e9, "val_loss": 0.25, "note": "words", "eta_s": None})
    log.row({"kind": "epoch", "step": 40, "epoch": 4, "time": 2e9, "val_loss": 0.125, "kl_per_dim": [1.0, 2.0]})
    log.close()
    read = board(tmp_path)
    assert set(read.Tags()["scalars"]) == {"epoch/epoch", "epoch/val_loss"}
    assert [(each.step, each.wall_time, each.value) for each in read.Scalars("epoch/val_loss")] == [
        (30, 1e9, 0.25),
        (40, 2e9, 0.125),
    ]


def test_a_table_gives_a_scalar_for_each_of_its_keys(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.row({"kind": "epoch", "step": 1, "recon_db_by_source": {"gtzan": 6.5, "a\x1b[31mb\udce9": 7.0}})
    log.close()
    assert points(tmp_path, "epoch/recon_db_by_source/gtzan") == [(1, 6.5)]
    assert points(tmp_path, "epoch/recon_db_by_source/a\\x1b[31mb\\udce9") == [(1, 7.0)]


def test_numbers_that_are_none_or_out_of_range_are_written_all_the_same(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for step, loss in enumerate((math.nan, math.inf, -math.inf, 1e300, 1e-300, 0.5)):
        log.row(row(step, loss))
    log.close()
    values = [value for _, value in points(tmp_path, "step/loss")]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, math.inf, 0.0, 0.5]


def test_what_was_written_can_be_read_before_the_end(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.row(row(10, 0.5))
    assert points(tmp_path, "step/loss") == [(10, 0.5)]
    log.close()


def test_every_take_of_a_set_can_be_played_under_the_same_name_at_every_step(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    log = TensorBoardLog(run.logs)
    for step in (500, 1_000):
        sample(run, step, 0, "prior 1", "prior")
        sample(run, step, 0, "jazz.00012 at 3 s", "original", "decoded", "reconstruction")
        log.sounds(step_folder(run, step), step)
    log.close()
    read = board(run.logs)
    takes = [f"jazz.00012 at 3 s/{take}" for take in ("original", "decoded", "reconstruction")]
    assert sorted(read.Tags()["audio"]) == sorted(["prior 1", *takes])
    for tag, length in zip(["prior 1", *takes], [4_000, 4_000, 4_001, 4_002], strict=True):
        assert [event.step for event in read.Audio(tag)] == [500, 1_000]
        heard = read.Audio(tag)[-1]
        sound, rate = soundfile.read(io.BytesIO(heard.encoded_audio_string))
        assert (len(sound), rate) == (heard.length_frames, heard.sample_rate) == (length, RATE)
        assert heard.content_type == "audio/wav"
        assert np.abs(sound).max() == pytest.approx(0.5, abs=1e-3)


def test_tracks_of_the_same_name_do_not_take_each_others_place(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    log = TensorBoardLog(run.logs)
    for index in range(3):
        sample(run, 500, index, "01 intro at 0 s", "original")
    log.sounds(step_folder(run, 500), 500)
    log.close()
    read = board(run.logs)
    assert len(read.Tags()["audio"]) == 3
    assert all(len(read.Audio(tag)) == 1 for tag in read.Tags()["audio"])


def test_sounds_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    for index in range(3):
        sample(run, 500, index, f"caf\x1b{index}", "original")
    folder = step_folder(run, 500)
    (folder / "recon-0.original.wav").write_bytes(b"not a sound")
    (folder / "recon-1.original.wav").unlink()
    (folder / "recon-9.json").write_text("[]")
    log = TensorBoardLog(run.logs)
    log.sounds(folder, 500)
    log.sounds(step_folder(run, 999), 999)
    log.close()
    assert board(run.logs).Tags()["audio"] == ["caf\\x1b2/original"]


@pytest.mark.parametrize("channels", [0, 3, 4])
def test_pictures_are_shown_in_their_own_size(tmp_path: Path, channels: int) -> None:
    folder = tmp_path / "visualizations" / "epoch_010"
    folder.mkdir(parents=True)
    shape = (7, 11, channels) if channels else (7, 11)
    matplotlib.image.imsave(folder / "latent_tsne.png", np.random.default_rng(0).random(shape))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "words.txt").write_text("no picture")
    log = TensorBoardLog(tmp_path / "logs")
    log.pictures(folder, 500)
    log.pictures(tmp_path / "nowhere", 600)
    log.close()
    read = board(tmp_path / "logs")
    assert read.Tags()["images"] == ["visualizations/latent_tsne"]
    (picture,) = read.Images("visualizations/latent_tsne")
    assert (picture.step, picture.width, picture.height) == (500, 11, 7)
    assert matplotlib.image.imread(io.BytesIO(picture.encoded_image_string)).shape[:2] == (7, 11)


def test_a_run_that_is_continued_shows_no_step_twice(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for step in (10, 20, 30, 40):
        log.row(row(step, 1.0))
    log.close()
    log = TensorBoardLog(tmp_path, step=20)
    for step in (30, 40, 50):
        log.row(row(step, 2.0))
    log.close()
    assert points(tmp_path, "step/loss") == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0), (50, 2.0)]


def test_files_are_read_in_the_order_of_the_runs_even_where_the_clock_went_back(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.4000000000.host.1.0").write_bytes(b"")
    for attempt in range(3):
        TensorBoardLog(tmp_path, step=attempt).close()
    names = sorted(path.name.split(".")[3] for path in tmp_path.iterdir())
    assert names == ["4000000000", "4000000001", "4000000002", "4000000003"]


def test_a_new_file_by_itself_hides_nothing(tmp_path: Path) -> None:
    for step in (10, 20):
        log = TensorBoardLog(tmp_path)
        log.row(row(step, 1.0))
        log.close()
    assert points(tmp_path, "step/loss") == [(10, 1.0), (20, 1.0)]


def test_a_run_that_begins_anew_takes_everything_back(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.row(row(1, 1.0))
    log.close()
    log = TensorBoardLog(tmp_path)
    log.rewind(0)
    log.row(row(1, 2.0))
    log.close()
    assert points(tmp_path, "step/loss") == [(1, 2.0)]


def test_a_run_that_goes_back_to_a_checkpoint_takes_its_points_back(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for step in (10, 20, 30):
        log.row(row(step, 1.0))
    log.rewind(10)
    log.row(row(20, 2.0))
    log.close()
    assert points(tmp_path, "step/loss") == [(10, 1.0), (20, 2.0)]


def test_a_full_disk_is_warned_of_once_and_no_row_is_lost(tmp_path: Path) -> None:
    heard: list[str] = []
    log = TensorBoardLog(tmp_path, warn=heard.append)
    log.row(row(0, 0.0))
    (file,) = tmp_path.iterdir()
    # Room for the beginning of a record, which is the nastiest.
    room = file.stat().st_size + 20
    with full_disk(room):
        for step in range(1, 50):
            log.row(row(step, float(step)))
    assert file.stat().st_size == room
    assert points(tmp_path, "step/loss") == [(0, 0.0)]
    assert len(heard) == 1
    assert "File too large" in heard[0]
    log.row(row(50, 50.0))
    log.close()
    assert points(tmp_path, "step/loss") == [(step, float(step)) for step in range(51)]


def test_a_run_that_ends_on_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path, warn=lambda message: None)
    log.row(row(0, 0.0))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    with full_disk(len(whole) + 20):
        log.row(row(1, 1.0))
        log.close()
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_made_costs_only_a_warning(tmp_path: Path) -> None:
    heard: list[str] = []
    (tmp_path / "logs").write_text("a file where the folder should be")
    log = TensorBoardLog(tmp_path / "logs", warn=heard.append)
    log.row(row(1, 1.0))
    assert len(heard) == 1
    (tmp_path / "logs").unlink()
    log.row(row(2, 2.0))
    log.close()
    assert points(tmp_path / "logs", "step/loss") == [(1, 1.0), (2, 2.0)]


def test_a_warning_that_cannot_be_written_either_does_no_harm(tmp_path: Path) -> None:
    def refuse(message: str) -> None:
        raise OSError(28, "No space left on device")

    log = TensorBoardLog(tmp_path, warn=refuse)
    with full_disk(1):
        log.row(row(1, 1.0))
    log.close()


def test_tensorflow_is_not_loaded_even_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("raise SystemExit('TensorFlow was loaded')")
    program = """
        import sys
        from pathlib import Path
        from harmonic_core.training.tensorboard import TensorBoardLog

        log = TensorBoardLog(Path("logs"))
        log.row({"kind": "step", "step": 1, "loss": 0.5})
        log.sounds(Path("run/samples/step-00000001"), 1)
        log.pictures(Path("run/visualizations/epoch_001"), 1)
        log.close()
        assert "tensorflow" not in sys.modules
    """
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(root)!r}]\n{textwrap.dedent(program)}"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert points(tmp_path / "logs", "step/loss") == [(1, 0.5)]
