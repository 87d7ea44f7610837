"""HarmonicVAE: a variational autoencoder that learns music, and everything its training needs."""

__version__ = "0.1.0"
