"""Latents in a file: what is written is read, and nothing else is."""

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harmonic_core.creating.latent_file import Encoded, read_latents_file, write_latents
from harmonic_core.errors import DataError, DiskError

ENCODED = Encoded(
    mu=np.arange(12, dtype=np.float32).reshape(4, 3),
    logvar=np.full((4, 3), -1.0, np.float32),
    starts=np.array([0, 50, 0, 40]),
    file_index=np.array([0, 0, 1, 1]),
    samples=np.array([130, 120]),
    names=np.array(["one.wav", "two.wav"]),
    sample_rate=8000,
    segment=80,
    fingerprint="abc",
    tags={"title": "one"},
)


def arrays() -> dict[str, Any]:
    """What is in the file of the above."""
    names = ("mu", "logvar", "starts", "file_index", "samples", "names", "sample_rate", "segment", "fingerprint")
    return {**{name: np.asarray(getattr(ENCODED, name)) for name in names}, "tags": np.asarray('{"title": "one"}')}


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_latents_file(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.npz"
    write_latents(path, ENCODED)
    found = read_latents_file(path)
    for name in arrays():
        assert np.array_equal(getattr(found, name), getattr(ENCODED, name)), name
    other = found.part(1)
    assert np.array_equal(other.mu, ENCODED.mu[2:])
    assert other.starts.tolist() == [0, 40]
    assert other.names.tolist() == ["two.wav"]


def test_the_same_latents_are_the_same_bytes(tmp_path: Path) -> None:
    write_latents(tmp_path / "a.npz", ENCODED)
    write_latents(tmp_path / "b.npz", ENCODED)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_any_program_that_reads_numpy_can_change_them(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    write_latents(path, ENCODED)
    with np.load(path, allow_pickle=False) as file:
        changed = {**file, "mu": file["mu"].astype(np.float64) + 1.0, "more": np.zeros(3)}
    np.savez_compressed(path, **changed)
    assert np.array_equal(read_latents_file(path).mu, ENCODED.mu + 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mu": None}, "no mu in it"),
        ({"starts": None, "samples": None}, "no starts, samples in it"),
        ({"mu": np.full((4, 3), np.nan, np.float32)}, "not finite"),
        ({"logvar": np.full((4, 3), np.inf, np.float32)}, "not finite"),
        ({"logvar": np.zeros((4, 2), np.float32)}, "different lengths"),
        ({"mu": np.zeros((0, 3), np.float32)}, "holds no segment"),
        ({"mu": np.zeros(4, np.float32)}, "mu is not what it should be"),
        ({"mu": np.array([["a"] * 3] * 4)}, "mu is not what it should be"),
        ({"starts": np.array([0.0, 1.0, 0.0, 1.0])}, "starts is not what it should be"),
        ({"starts": np.array([10, 50, 0, 40])}, "do not follow each other"),
        ({"starts": np.array([0, 200, 0, 40])}, "do not follow each other"),
        ({"starts": np.array([0, -5, 0, 40])}, "do not follow each other"),
        ({"samples": np.array([10**12, 120])}, "do not reach to the end"),
        ({"samples": np.array([0, 120])}, "do not reach to the end"),
        ({"file_index": np.array([0, 1, 0, 1])}, "do not agree"),
        ({"names": np.array(["one"])}, "do not agree"),
    ],
)
def test_what_cannot_be_latents_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{name: each for name, each in {**arrays(), **change}.items() if each is not None})
    assert reason in refusal(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    path = tmp_path / "x.npz"
    np.savez(path, **{**arrays(), "names": np.array([Trap(), Trap()], dtype=object)})
    assert "names is not what it should be" in refusal(path)
    (tmp_path / "y.npz").write_bytes(pickle.dumps(Trap()))
    refusal(tmp_path / "y.npz")
    assert not (tmp_path / "sprung").exists()


def test_a_file_that_unpacks_to_more_than_there_can_be_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez(path, **arrays())
    content = io.BytesIO()
    np.lib.format.write_array(content, np.zeros((1, 3), np.float32))
    with zipfile.ZipFile(path) as old:
        kept = {info.filename: old.read(info) for info in old.infolist() if info.filename != "mu.npy"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, each in kept.items():
            file.writestr(name, each)
        with file.open("mu.npy", "w", force_zip64=True) as member:
            member.write(content.getvalue())
            for _ in range(1100):
                member.write(bytes(2**20))
    assert path.stat().st_size < 2**22
    assert "would unpack to 1.1 GiB" in refusal(path)


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as old:
        kept = {info.filename: old.read(info) for info in old.infolist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2**20)})
    kept["mu.npy"] = header.getvalue()
    with zipfile.ZipFile(path, "w") as file:
        for name, each in kept.items():
            file.writestr(name, each)
    assert "larger than it is" in refusal(path)


def test_names_in_it_can_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, **{**arrays(), "names": np.array(["a\0b\x1b[2J.wav", "x" * 1000])})
    first, second = read_latents_file(path).names.tolist()
    assert first == r"a\x00b\x1b[2J.wav"
    assert len(second) == 200


@pytest.mark.parametrize("cut", [0, 10, 300, 1500])
def test_half_a_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.npz"
    write_latents(path, ENCODED)
    path.write_bytes(path.read_bytes()[:cut])
    assert "harmonic encode" in refusal(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be written"):
        write_latents(tmp_path / "file" / "x.npz", replace(ENCODED))
