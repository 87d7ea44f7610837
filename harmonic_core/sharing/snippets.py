"""How an export is loaded, as code that runs in the folder of its card."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from harmonic_core.profile.sections import Profile

_HERE = """from harmonic_core import HarmonicVAE

model = HarmonicVAE.load({path!r})
sounds = model.sample(2, temperature=0.8, seed=1)
latents = model.encode(sounds)
print(model.sample_rate, sounds.shape, latents.shape)
"""

_SHELL = """harmonic generate {path} -n 4 --temperature 0.8 --seed 1
"""

_ONNX = """import json

import numpy as np
import onnxruntime

features = onnxruntime.InferenceSession("features.onnx")
encoder = onnxruntime.InferenceSession("encoder.onnx")
decoder = onnxruntime.InferenceSession("decoder.onnx")
settings = json.loads(encoder.get_modelmeta().custom_metadata_map["features"])

samples = np.zeros((1, settings["segment_samples"]), np.float32)  # your sound
(mel,) = features.run(None, {"samples": samples})
mu, logvar = encoder.run(None, {"mel": mel})
(decoded,) = decoder.run(None, {"latent": mu})
"""

_TORCHSCRIPT = """import json

import torch

files = {{"features.json": ""}}
model = torch.jit.load({path!r}, _extra_files=files)
settings = json.loads(files["features.json"])

samples = torch.zeros(1, settings["segment_samples"])  # your sound
mel = model.features(samples)
mu, logvar = model.encode(mel)
decoded = model.decode(mu).detach().numpy()
"""

_SAFETENSORS = """import json

from safetensors import safe_open

with safe_open({path!r}, framework="np") as file:
    settings = json.loads(file.metadata()["features"])
    weights = {{name: file.get_tensor(name) for name in file.keys()}}
print(settings["sample_rate"], len(weights))
"""

_SOUND = """import librosa
import numpy as np

level = (np.clip(decoded[0], 0.0, 1.0) - 1.0) * settings["dynamic_range_db"] + settings["top_db"]
power = 10.0 ** (level / 10.0) * (settings["n_fft"] / 4) ** 2
sound = librosa.feature.inverse.mel_to_audio(
    power,
    sr=settings["sample_rate"],
    n_fft=settings["n_fft"],
    hop_length=settings["hop_length"],
    pad_mode="constant",
    fmin=settings["f_min"],
    fmax=settings["f_max"],
    norm=None,
)
"""

_WITHOUT = {
    "onnx": (
        _ONNX,
        "Opset 20. `features.onnx` takes `samples`, `encoder.onnx` takes `mel` and gives `mu` and `logvar`, "
        "`decoder.onnx` takes `latent` and gives `mel`. The metadata of each hold all settings.",
    ),
    "torchscript": (
        _TORCHSCRIPT,
        "Load TorchScript only from whom you trust: `torch.jit.load` runs the code in it. HarmonicVAE reads the "
        "weights inside and runs nothing.",
    ),
    "safetensors": (
        _SAFETENSORS,
        "`model.…` are the weights of the network that `harmonic_core.model` of HarmonicVAE builds from the `profile` "
        "in the metadata, `vocoder.…` those of its vocoder, `latents.…` what is known of its music.",
    ),
}


def snippets(export_format: str, path: Path, profile: Profile, shown: str) -> str:
    """Three ways to load an export, and what goes in and comes out, in Markdown.

    Parameters
    ----------
    export_format, path
        What was written.
    profile
        Of the model.
    shown
        The name of the file or folder, fit for Markdown.
    """
    # An ONNX export's card lies in its folder.
    name = "." if export_format == "onnx" else path.name
    code, words = _WITHOUT[export_format]
    samples, frames, audio = profile.segment_samples, profile.segment_frames, profile.audio
    blocks = [
        "## How to load it",
        f"From the folder in which this card lies ({shown}).",
        "With HarmonicVAE in Python; nothing in the file is executed:",
        _fenced("python", _HERE.format(path=name)),
        "With HarmonicVAE in a shell:",
        _fenced("sh", _SHELL.format(path=_typed(name))),
        f"Without HarmonicVAE. {words}",
        _fenced("python", code if export_format == "onnx" else code.format(path=name)),
    ]
    if export_format != "safetensors":
        blocks += ["From decoded mels to sound, without the phases that HarmonicVAE finds:", _fenced("python", _SOUND)]
    blocks += [
        "| | shape | range |\n|---|---|---|\n"
        f"| samples | (batch, {samples}), float32 | [−1, 1], mono, {audio.sample_rate} Hz |\n"
        f"| mel | (batch, {audio.n_mels}, {frames}), float32 | about [0, 1]: "
        f"{audio.top_db - audio.dynamic_range_db:g} to {audio.top_db:g} dB of a full-scale sine |\n"
        f"| mu, logvar, latent | (batch, {profile.model.latent_dim}), float32 | standard normal under the prior |"
    ]
    return "\n\n".join(blocks)


def _typed(name: str) -> str:
    """A name as it is typed in a shell, on one line and without anything that a terminal obeys."""
    if name.isprintable():
        return shlex.quote(name)
    parts = (chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in os.fsencode(name))
    return f"$'{''.join(parts)}'"


def _fenced(language: str, code: str) -> str:
    return f"```{language}\n{code}```"
