from harmonic_core.sharing.python_api import HarmonicVAE as HarmonicVAE

__version__: str
__all__ = ["HarmonicVAE", "__version__"]
