"""The sections of a profile: every setting, its default, its range and what it does.

The docstring under a field is what `harmonic profiles explain KEY` prints, what the JSON Schema says and what the
console shows. No two sections have a field of the same name, so `--learning-rate` can mean only one thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from harmonic_core.profile.space import Space, read_space

Architecture = Literal["harmonic", "dense"]
OfficialPart = Literal["train", "validation", "test"]
Width = Annotated[int, Field(ge=1, le=16384)]
Year = Annotated[int, Field(ge=1900, le=2100)]
Weight = Annotated[float, Field(gt=0, le=1000)]


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str | Path) else value


Folders = Annotated[tuple[Path, ...], BeforeValidator(_one_or_many), Field(max_length=64)]
"""One folder or a list of them."""

SearchSpace = Annotated[
    Space,
    PlainValidator(read_space),
    PlainSerializer(Space.table),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["array", "object"]},
            "examples": [{"latent_dim": [64, 128], "learning_rate": {"low": 1e-4, "high": 1e-3, "log": True}}],
        }
    ),
]
"""Settings that a study varies, with the values that they can take."""

DEFAULT_HIDDEN_DIMS: dict[Architecture, tuple[int, ...]] = {
    "harmonic": (),
    "dense": (1024, 512, 256),
}


class Section(BaseModel):
    """What all sections share: frozen, no unknown keys, field docstrings as descriptions, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Run(Section):
    """What the run is called and what its chance is made of."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None
    """Name of the run and of its directory under `runs/`. Default: the profile's name and the time of the start."""

    description: str = ""
    """One sentence on what the profile is for, shown in lists."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of everything random: weights, order, crops, augmentation and the latent's noise."""

    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    """Where to compute. `auto` takes CUDA, else Apple's MPS, else the CPU, and says why."""


class Data(Section):
    """Which music, and how it is divided."""

    dataset: Literal["demo", "custom", "gtzan", "maestro", "combined"] = "demo"
    """Data set: `demo` is made by the program itself, `custom` is any folder of audio."""

    dataset_dir: Path | None = None
    """Folder of the chosen data set. Default: `data/<dataset>`."""

    custom_dir: Folders = ()
    """Folder of your own audio, or several: WAV, MP3, FLAC, OGG, M4A and more, nested as you like."""

    maestro_dir: Folders = ()
    """Folder of MAESTRO, or several, for `maestro` and `combined`."""

    gtzan_dir: Folders = ()
    """Folder of GTZAN, or several, for `gtzan` and `combined`."""

    segment_length: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Length of one training example in seconds."""

    min_clip_length: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """Clips shorter than this many seconds are refused; between it and a segment they are padded with silence."""

    validation_split: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    """Share of the tracks held out for validation, where chance divides them. Whole tracks, never parts of one."""

    split: Literal["auto", "official", "fault_filtered", "random"] = "auto"
    """How tracks are divided. `official` is MAESTRO's own division, `fault_filtered` the one of GTZAN that leaves
    repetitions, wrong labels and distortions out, `random` holds out `validation_split` of artists, pieces or tracks.
    `auto`: `official` for MAESTRO, `random` for everything else."""

    official_parts: Annotated[tuple[OfficialPart, ...], Field(min_length=1, max_length=3)] | None = None
    """Official parts of MAESTRO to use at all, such as ["train", "validation"]. Default: all. Test recordings are never
    trained on under the official division."""

    hours: Annotated[float, Field(gt=0, le=100000)] | None = None
    """Hours of MAESTRO to use, a fixed choice spread over its parts. Default: all that are there."""

    years: Annotated[tuple[Year, ...], Field(min_length=1, max_length=64)] | None = Field(None, examples=[[2004, 2008]])
    """Years of MAESTRO to use, such as [2004, 2008]. Default: all."""

    composers: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)] | None = None
    """Composers of MAESTRO to use, by a part of the name, such as ["Chopin", "Bach"]. Default: all."""

    gtzan_weight: Weight = 1.0
    """Share of GTZAN in an epoch of `combined`, relative to the other data sets' weights."""

    maestro_weight: Weight = 1.0
    """Share of MAESTRO in an epoch of `combined`, relative to the other data sets' weights."""

    custom_weight: Weight = 1.0
    """Share of your own audio in an epoch of `combined`, relative to the other data sets' weights."""

    demo_minutes: Annotated[float, Field(ge=0.5, le=120)] = 10.0
    """Minutes of music that the demo data set makes."""

    cache_dir: Path | None = None
    """Where decoded audio is kept between runs. Default: the user's cache folder."""


class Audio(Section):
    """How sound becomes a mel spectrogram."""

    sample_rate: Annotated[int, Field(ge=4000, le=96000)] = 22050
    """Samples a second after resampling, in Hz."""

    n_fft: Annotated[int, Field(ge=64, le=16384)] = 2048
    """Length of the STFT window in samples."""

    hop_length: Annotated[int, Field(ge=16, le=8192)] = 512
    """Samples between two frames."""

    n_mels: Annotated[int, Field(ge=8, le=512)] = 128
    """Number of mel bands."""

    f_min: Annotated[float, Field(ge=0)] = 20.0
    """Lower edge of the lowest band in Hz."""

    f_max: Annotated[float, Field(gt=0)] | None = None
    """Upper edge of the highest band in Hz. Default: half the sample rate."""

    top_db: Annotated[float, Field(ge=-60, le=20)] = 0.0
    """Level that becomes 1.0, in dB relative to a full-scale sine. Anything above is clamped."""

    dynamic_range_db: Annotated[float, Field(ge=20, le=140)] = 80.0
    """Height of the window below `top_db` in dB. Its lower edge becomes 0.0, and what is quieter is clamped to it."""


class Model(Section):
    """The variational autoencoder."""

    architecture: Architecture = "harmonic"
    """`harmonic`: convolutions over time with the mel bands as channels. `dense`: a plain multilayer perceptron."""

    latent_dim: Annotated[int, Field(ge=1, le=65536)] = 128
    """Size of the latent of a whole segment. 64 to 256 is usual."""

    latent_frames: Annotated[int, Field(ge=1, le=256)] = 1
    """Time steps over which the latent is spread; `latent_dim` stays the total. 1 is one global latent."""

    hidden_dims: Annotated[tuple[Width, ...], Field(min_length=0, max_length=12)] | None = Field(
        None, examples=[[1024, 512, 256]]
    )
    """Widths from the input inwards. `dense`: units of each layer. `harmonic`: channels of each stage, and every stage
    halves the number of frames; [] for principal components and refining blocks alone. Default: [] for `harmonic`,
    [1024, 512, 256] for `dense`."""

    kernel_size: Annotated[int, Field(ge=3, le=31)] = 7
    """Frames that one convolution of the `harmonic` architecture sees. Odd."""

    blocks_per_stage: Annotated[int, Field(ge=1, le=12)] = 1
    """Residual blocks in each stage of the `harmonic` architecture."""

    principal_components: bool = True
    """Begin the `harmonic` architecture with the principal components of the music: a linear code that its convolutions
    then better."""

    refining_blocks: Annotated[int, Field(ge=0, le=12)] = 2
    """Residual blocks of the `harmonic` architecture over every frame of what the decoder has put together."""

    harmonic_stacking: bool = False
    """Let every band of the `harmonic` architecture hear the bands of its harmonics, in the decoder's last layer and,
    where there are stages, the encoder's first."""


class Loss(Section):
    """What is minimised: reconstruction plus beta times KL."""

    reconstruction: Literal["l1", "mse"] = "l1"
    """Distance between mel spectrograms, a mean over all elements in normalised dB."""

    perceptual_weight: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Weight of the mel error as ears weigh it: by loudness, and by how far a band stands out above what masks it."""

    multi_scale_weight: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Weight of the error of mels averaged over 2, 4 and 8 bands and frames."""

    harmony_weight: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Weight of how far chroma and Tonnetz of the reconstruction point elsewhere than the original's."""

    sparsity_weight: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Weight of the mean |mu|, which pulls what a latent dimension does not need to zero."""

    kl_reduction: Literal["mean"] = "mean"
    """How the KL of the latent dimensions becomes one number: their mean. One nat weighs beta / latent_dim."""

    beta_start: Annotated[float, Field(ge=0, le=1000)] = 1e-4
    """Weight of the KL in the first epoch."""

    beta_end: Annotated[float, Field(ge=0, le=1000)] = 1e-2
    """Weight of the KL once annealing is over."""

    beta_steps: Annotated[int, Field(ge=0, le=100000)] = 20
    """Epochs over which beta rises from `beta_start` to `beta_end`; with `cyclical` those of one cycle. 0: `beta_end`
    at once."""

    beta_schedule: Literal["linear", "cosine", "cyclical"] = "linear"
    """How beta rises: in a straight line, along half a cosine, or `cyclical`: again and again, half of each cycle a
    straight line and half at `beta_end`."""

    beta_cycles: Annotated[int, Field(ge=1, le=1000)] = 4
    """Cycles of the `cyclical` schedule; after them beta stays at `beta_end`."""

    free_bits: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Nats that every latent dimension of a segment may carry at no cost. 0: every nat costs."""


class Train(Section):
    """How the weights are found."""

    epochs: Annotated[int, Field(ge=1, le=1000000)] = 100
    """Passes over the training tracks."""

    batch_size: Annotated[int, Field(ge=1, le=65536)] = 32
    """Segments in one update."""

    grad_accum_steps: Annotated[int, Field(ge=1, le=1024)] = 1
    """Parts into which a batch is divided to save memory. The update is that of the whole batch. Where memory runs
    out all the same, the number is doubled by itself."""

    learning_rate: Annotated[float, Field(gt=0, le=100)] = 1e-3
    """Highest learning rate of AdamW, reached after `warmup_steps`."""

    finetune_learning_rate: Annotated[float, Field(gt=0, le=100)] = 1e-4
    """Highest learning rate of a run that begins with the weights of another, whatever `learning_rate` a profile or a
    `config.json` sets; only `--learning-rate`, `--set` or the environment asks for another one."""

    learning_rate_schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    """What follows the warm-up: half a cosine down to the last epoch, `plateau`: half as much whenever the validation
    error stops falling, or no change."""

    plateau_patience: Annotated[int, Field(ge=1, le=100000)] = 5
    """Epochs without a better validation error after which the `plateau` schedule halves the learning rate."""

    warmup_steps: Annotated[int, Field(ge=0, le=1000000)] = 50
    """Updates over which the learning rate rises from zero."""

    final_learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Learning rate at the end of the cosine, and the least of `plateau`, as a share of `learning_rate`."""

    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    """Decoupled weight decay of AdamW."""

    grad_clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of the gradient; a larger one is scaled down."""

    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the average of the weights that stays at an update; the average is what is validated, heard and
    exported. 0.999 averages about the last thousand updates. 0: no average."""

    mixed_precision: bool = False
    """Compute in 16 bits where it is safe to: bfloat16, or float16 with a scaled loss on GPUs that have only that.
    Weights stay in float32."""

    refine_vocoder: bool = True
    """Train beside the model, on the same music, a small network that makes what is heard of mels sound better; it
    takes less than a tenth of the time."""

    compile: bool = False
    """Translate the model with `torch.compile`: a slow start, then quicker updates on most GPUs."""

    max_bad_steps: Annotated[int, Field(ge=1, le=100000)] = 10
    """Updates in a row whose loss or gradient is not finite, each skipped, after which the run goes back to the last
    good checkpoint with half the learning rate."""

    max_rollbacks: Annotated[int, Field(ge=0, le=1000)] = 3
    """Times that a run may go back; then it ends as diverged."""

    max_steps: Annotated[int, Field(ge=1, le=10**12)] | None = None
    """Updates that are enough: the run has only as many epochs as it takes to make them, and at most `epochs`. Default:
    all epochs."""

    early_stopping: Annotated[int, Field(ge=0, le=100000)] = 0
    """Epochs without a better validation error after which the run ends, counted once beta has stopped rising. 0: it
    goes on to the last epoch."""

    log_every: Annotated[int, Field(ge=1, le=100000)] = 10
    """Updates between two rows of metrics."""

    resume_from: Path | None = None
    """A run, a checkpoint or a `.pt` export to continue from."""


class Augment(Section):
    """Changes to the training sound that leave the music alone."""

    augment: bool = False
    """Shift pitch, stretch time and add noise, anew for every segment."""

    augment_strength: Annotated[float, Field(ge=0, le=1)] = 0.5
    """0 changes nothing; 1 means up to ±4 semitones, 0.7 to 1.4 times as fast, and noise 10 dB below the music."""


class Evaluation(Section):
    """What is heard and measured beside the loss."""

    prior_samples: Annotated[int, Field(ge=0, le=64)] = 4
    """Sounds drawn from the prior at every `checkpoint_every` epochs."""

    reconstructions: Annotated[int, Field(ge=0, le=64)] = 4
    """Validation segments rendered at every `checkpoint_every` epochs: original, original through the vocoder,
    reconstruction. Always the same ones."""

    max_validation_segments: Annotated[int, Field(ge=1, le=1000000)] = 1024
    """Most segments in one validation; where the held-out tracks give more, they are spread evenly."""

    evaluation_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the training time in which a run may measure itself at every `checkpoint_every` epochs: how near, how
    ordered, how alive, as `harmonic evaluate` does. 0: never."""

    griffin_lim_steps: Annotated[int, Field(ge=1, le=512)] = 32
    """Iterations that find a phase for the sounds. More sound smoother and take longer."""


class CaseStudy(Section):
    """What a profile promises to reach on music that is not trained on, and by which epoch. Nothing depends on it."""

    genre_accuracy: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of segments whose nearest neighbours in the latent, of other tracks, name the right genre, by epoch
    `clusters_by`. Default: nothing is promised."""

    genre_silhouette: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Silhouette of the genres as clusters of the latent, by epoch `clusters_by`. Above 0 a segment lies nearer to its
    own genre than to the next one. Default: nothing is promised."""

    clusters_by: Annotated[int, Field(ge=1, le=1000000)] | None = None
    """Epoch by which genres form clusters. Default: the last one."""

    path_evenness: Annotated[float, Field(ge=0, le=1)] | None = None
    """How evenly the mel changes along straight paths between two pieces of music, by the last epoch; 1 is perfectly
    even. Default: nothing is promised."""

    key_clarity: Annotated[float, Field(ge=0, le=1)] | None = None
    """Correlation of the pitch classes of samples with the key that fits best, by epoch `structured_by`. Default:
    nothing is promised."""

    onset_regularity: Annotated[float, Field(ge=0, le=1)] | None = None
    """How alike the onsets of samples are to themselves one beat later, by epoch `structured_by`. Default: nothing is
    promised."""

    structured_by: Annotated[int, Field(ge=1, le=1000000)] | None = None
    """Epoch by which samples have structure: a key and a beat. Default: the last one."""


class Tune(Section):
    """What `harmonic tune` searches. Training does not look at it."""

    space: SearchSpace | None = None
    """Settings to vary: each with a list, as in latent_dim = [64, 128], or a range, as in learning_rate = {low = 1e-4,
    high = 2e-3, log = true} or batch_size = {low = 16, high = 64, step = 16}, or either by architecture, as in
    hidden_dims = {harmonic = [[], [128, 256]], dense = [[512, 256]]}. Default: latent_dim, beta_end, hidden_dims and
    learning_rate."""


class Output(Section):
    """What is written, and where."""

    output_dir: Path | None = None
    """The run's own directory. Default: `runs/<name>`."""

    checkpoint_every: Annotated[int, Field(ge=1, le=1000000)] = 10
    """Epochs between two checkpoints, exports and sets of samples."""

    visualize_every: Annotated[int, Field(ge=0, le=1000000)] = 10
    """Epochs between two sets of pictures in `visualizations/`; the last epoch has one, too. 0: no pictures."""

    keep: Annotated[int, Field(ge=2, le=10000)] = 2
    """Newest checkpoints to keep, beside the best and those of every `checkpoint_every` epochs."""

    use_tensorboard: bool = False
    """Also write figures, sounds and pictures to `logs/` for TensorBoard. Needs the extra `tensorboard`."""


class Profile(Section):
    """Everything about a run."""

    run: Run = Run()
    data: Data = Data()
    audio: Audio = Audio()
    model: Model = Model()
    loss: Loss = Loss()
    train: Train = Train()
    augment: Augment = Augment()
    evaluation: Evaluation = Evaluation()
    case_study: CaseStudy = CaseStudy()
    tune: Tune = Tune()
    output: Output = Output()

    @property
    def hidden_dims(self) -> tuple[int, ...]:
        """Layer widths in force: those asked for, else the architecture's own."""
        own = DEFAULT_HIDDEN_DIMS[self.model.architecture]
        return own if self.model.hidden_dims is None else self.model.hidden_dims

    @property
    def segment_samples(self) -> int:
        """Samples in one segment."""
        return round(self.data.segment_length * self.audio.sample_rate)

    @property
    def segment_frames(self) -> int:
        """Frames in one segment; the STFT is centred, so both edges have one."""
        return 1 + self.segment_samples // self.audio.hop_length

    @property
    def input_dim(self) -> int:
        """Numbers in the mel spectrogram of one segment: n_mels × frames."""
        return self.audio.n_mels * self.segment_frames
