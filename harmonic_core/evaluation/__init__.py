"""How well a model does, on tracks that it was not trained on."""
