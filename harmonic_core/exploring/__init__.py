"""Looking around in the latent space of a trained model: what lies where, and what is heard there."""
