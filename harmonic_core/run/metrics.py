"""The figures in `metrics.jsonl`: every field, its unit and its meaning, in one place."""

from __future__ import annotations

FIELDS: dict[str, str] = {
    "kind": "`step` for a row of a logging interval, `epoch` for the row that closes an epoch",
    "step": "updates of the weights so far",
    "epoch": "epoch the row belongs to, from 1",
    "time": "when the row was written, seconds since 1970 (UTC)",
    "loss": "recon + beta · kl (+ weighted mu_l1) on the training segments, mean since the last row of the same kind",
    "recon": "reconstruction loss, mean over all elements, in normalised dB (1 is the whole dynamic range)",
    "recon_db": "mean absolute log-mel error in dB",
    "perceptual_db": "mean absolute log-mel error in dB, weighted by audibility, with loss.perceptual_weight",
    "multi_scale_db": "error of mels averaged over 2, 4 and 8 bands and frames in dB, with loss.multi_scale_weight",
    "harmony": "2 minus the cosines of chroma and Tonnetz, with loss.harmony_weight",
    "mu_l1": "mean |mu| of the latent",
    "kl": "KL divergence in nats per latent dimension, before beta",
    "kl_nats": "KL divergence in nats per segment",
    "kl_bits_per_s": "KL divergence in bits per second of music: the rate of the code",
    "kl_per_dim": "KL divergence of each latent dimension in nats (epoch rows, validation set)",
    "beta": "weight of kl in the loss",
    "beta_per_nat": "beta / latent_dim: weight of one nat, comparable between latent sizes",
    "learning_rate": "learning rate of the last update",
    "grad_norm": "norm of the gradient before clipping, mean over the interval",
    "skipped": "updates left out since the last row of the same kind, their loss or gradient not being finite",
    "segments_per_s": "training segments per second of training time",
    "sparsity": "share of latent dimensions with |mu| < 0.1, validation set",
    "active_units": "latent dimensions whose mu varies by more than 0.01 (variance) over the validation set",
    "recon_db_by_source": "mean absolute log-mel error in dB of each data set (epoch rows, validation set)",
    "mean_spectrum_db": "error in dB of always answering with the training set's mean spectrum, validation set",
}
"""Field names of a row. `val_` before one of `VALIDATION_FIELDS` means the same on the validation tracks. An epoch row
has the step row's fields and the validation ones."""

HEARD_FIELDS: tuple[str, ...] = ("perceptual_db", "multi_scale_db", "harmony")
"""Those that are there only where the profile gives them a weight."""

VALIDATION_FIELDS: tuple[str, ...] = (
    *("loss", "recon", "recon_db", "kl", "kl_nats", "kl_bits_per_s"),
    *HEARD_FIELDS,
)


def describe(field: str) -> str:
    """Meaning of a field, also of one that starts with `val_`.

    Raises
    ------
    KeyError
        If no such figure is ever written.
    """
    plain = field.removeprefix("val_")
    text = FIELDS[plain]
    if field == plain:
        return text
    if plain not in VALIDATION_FIELDS:
        raise KeyError(field)
    return f"{text} (validation tracks)"
