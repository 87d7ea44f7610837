"""Variational autoencoders of mel spectrograms behind one interface, and their loss."""
