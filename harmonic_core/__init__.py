"""HarmonicVAE: a variational autoencoder that learns music, and everything its training needs."""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["HarmonicVAE", "__version__"]


def __getattr__(name: str) -> object:
    """Import the API when it is asked for: it needs torch, and most of this package does not."""
    if name == "HarmonicVAE":
        return import_module("harmonic_core.sharing.python_api").HarmonicVAE
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
