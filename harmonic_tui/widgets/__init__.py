"""The panels that screens are made of."""
