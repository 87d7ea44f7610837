"""A model for programs that do not know this one: graphs of ONNX, and a TorchScript archive.

Both have the same parts with the same names. Segments have one length, batches any size:

    features    samples (batch, segment_samples) in [−1, 1]   to   mel (batch, n_mels, frames)
    encoder     mel                                           to   mu, logvar (batch, latent_dim)
    decoder     latent (batch, latent_dim)                    to   mel
"""

from __future__ import annotations

import copy
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from harmonic_core import __version__
from harmonic_core.audio.features import LogMel
from harmonic_core.errors import HarmonicError, ProfileError
from harmonic_core.model.convolutional import ConvolutionalVAE
from harmonic_core.model.principal import PrincipalCode
from harmonic_core.model.vae import VAE

BATCH = "batch"
_OPSET = 20
"""The first whose Fourier transform runtimes compute quickly and the last that needs no very new runtime."""
_LARGEST = 1_900_000_000
"""Bytes of weights in one ONNX file; protobuf ends at 2 GB."""
_WHERE_IT_LAY = ".debug_pkl"
"""Ending of files in a TorchScript archive that say where on this machine its source lay."""


class Graph(nn.Module):
    """A model and its analysis as functions of plain tensors."""

    def __init__(self, model: VAE, analysis: LogMel) -> None:
        super().__init__()
        self.model, self.analysis = model, analysis

    def features(self, samples: Tensor) -> Tensor:
        """Normalised log-mels of sound."""
        return self.analysis.from_power(self.analysis.power(samples))

    def exact_features(self, samples: Tensor) -> Tensor:
        """The same with the Fourier transform in double precision."""
        return self.analysis.from_power(self.analysis.power(samples.double()).float())

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances of the posterior."""
        posterior = self.model.encode(mel)
        return posterior.mu, posterior.logvar

    def decode(self, latent: Tensor) -> Tensor:
        """Normalised log-mels of latents."""
        return self.model.decode(latent)

    def forward(self, samples: Tensor) -> Tensor:
        """Normalised log-mels of the reconstruction of sound."""
        return self.decode(self.encode(self.features(samples))[0])


class _ProductCode(PrincipalCode):
    """The same code, put together by products alone.

    onnxruntime adds to places of a table with several threads at once (ScatterND), and loses some of what several
    numbers add to one place: mels were wrong in four runs of five.
    """

    def synthesise(self, z: Tensor) -> Tensor:
        """Spectrograms of codes; see `PrincipalCode.synthesise`."""
        shares = (z.float().reshape(-1, self.size) * self.deviation).unsqueeze(2) * self.component
        stretches = shares.transpose(1, 2) @ self.cosines[self.frequency]
        mel = stretches.reshape(z.shape[0], self.parts, self.n_mels, self.part_frames)
        return mel.transpose(1, 2).flatten(2)[..., : self.frames]


class _Portable(Graph):
    """The same functions of the same numbers, from what runtimes of ONNX compute well."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(copy.deepcopy(graph.model), graph.analysis)
        _use_products(self.model)

    def features(self, samples: Tensor) -> Tensor:
        """Normalised log-mels of sound."""
        # Their Fourier transform is less exact than torch's, which 100 dB below the loudest is heard.
        return self.exact_features(samples)


def _use_products(model: VAE) -> None:
    if isinstance(model, ConvolutionalVAE) and model.principal is not None:
        code = model.principal
        products = _ProductCode(code.n_mels, code.frames, code.size * code.parts, code.parts)
        products.load_state_dict(code.state_dict())
        model.principal = products


class _Part(nn.Module):
    """One function of a `Graph` as a module of its own, as the exporter wants it."""

    def __init__(self, graph: Graph, function: str) -> None:
        super().__init__()
        self.whole, self._function = graph, function

    def forward(self, given: Tensor) -> Any:
        return getattr(self.whole, self._function)(given)


def insist_on_onnx() -> None:
    """Raise ProfileError where what writes and runs ONNX is not installed; the message says how to install it."""
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ProfileError(
            f"--format onnx needs {' and '.join(missing)}, not installed here; install the extra with "
            "`pip install 'harmonic-vae[onnx]'`, or choose --format torchscript or safetensors"
        )


def onnx_graphs(graph: Graph, samples: Tensor) -> dict[str, Any]:
    """Give `features`, `encoder` and `decoder` as ONNX models (`onnx.ModelProto`), each complete by itself.

    Parameters
    ----------
    graph
        On the CPU, in evaluation mode.
    samples : (batch, segment_samples)
        Any sound, by which shapes are found out.

    Raises
    ------
    HarmonicError
        If the weights are more than such a file can hold.
    """
    import onnx

    if sum(tensor.nbytes for tensor in graph.state_dict().values()) > _LARGEST:
        raise HarmonicError("this model has more than 2 GB of weights, and an ONNX file ends there; export safetensors")
    graph = _Portable(graph).eval()
    samples, mel, latent = _examples(graph, samples)
    parts = {
        "features": ("features", "samples", samples, ["mel"], "sound in [-1, 1] to normalised log-mels"),
        "encoder": ("encode", "mel", mel, ["mu", "logvar"], "normalised log-mels to the posterior of the latent"),
        "decoder": ("decode", "latent", latent, ["mel"], "latents to normalised log-mels, about [0, 1]"),
    }
    found = {}
    for name, (function, given, example, outputs, words) in parts.items():
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                _Part(graph, function).eval(),
                (example,),
                input_names=[given],
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim(BATCH)},),
                opset_version=_OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        assert program is not None
        proto = program.model_proto
        assert not any(node.op_type.startswith("Scatter") for node in proto.graph.node)
        _forget_places(proto)
        proto.producer_name, proto.producer_version, proto.doc_string = "harmonic-vae", __version__, words
        onnx.checker.check_model(proto)
        found[name] = proto
    return found


def _examples(graph: Graph, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two segments, mels and latents: one would be taken for something special."""
    with torch.no_grad():
        samples = samples[:1].expand(2, -1).contiguous()
        mel = graph.features(samples)
        return samples, mel, graph.encode(mel)[0]


def _forget_places(proto: Any) -> None:
    """Take out what the exporter notes of its own work: among it, where on this machine the source lay."""
    for holder in (proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer, *proto.functions):
        del holder.metadata_props[:]
        holder.doc_string = ""
    for function in proto.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""


def torchscript(graph: Graph, samples: Tensor) -> bytes:
    """A TorchScript archive with the methods `features`, `encode`, `decode` and `forward`.

    Parameters
    ----------
    graph
        On the CPU, in evaluation mode.
    samples : (batch, segment_samples)
        Any sound, by which the functions are traced.
    """
    samples, mel, latent = _examples(graph, samples)
    examples = {"features": samples, "encode": mel, "decode": latent, "forward": samples}
    traced_file = io.BytesIO()
    with _quiet(), torch.no_grad():
        # It is compared in other batches later.
        traced = torch.jit.trace_module(graph, examples, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, traced_file)
    archive = io.BytesIO()
    with zipfile.ZipFile(traced_file) as before, zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as after:
        for item in before.infolist():
            if not item.filename.endswith(_WHERE_IT_LAY):
                after.writestr(zipfile.ZipInfo(item.filename), before.read(item))
    return archive.getvalue()


def with_files(archive: bytes, files: Mapping[str, bytes]) -> bytes:
    """A TorchScript archive with extra files beside its code, as `torch.jit.load` gives them."""
    content = io.BytesIO(archive)
    with zipfile.ZipFile(content, "a", zipfile.ZIP_STORED) as zipped:
        root = zipped.namelist()[0].partition("/")[0]
        for name, data in files.items():
            zipped.writestr(zipfile.ZipInfo(f"{root}/extra/{name}"), data)
    return content.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep exporters from telling what is known: that TorchScript grows old, and which libraries they do without."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, TracerWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        log.setLevel(level)
