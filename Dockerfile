# Two stages: the first installs into a virtual environment, the second keeps it without what installing needed.

FROM python:3.12-slim AS build

RUN python -m venv /opt/harmonic
ENV PATH=/opt/harmonic/bin:$PATH
WORKDIR /source

# The dependencies first, from their list alone: a change of the code then downloads nothing again. PyPI's torch wheels
# bring their own CUDA, so the base image has none.
COPY pyproject.toml ./
RUN python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*project["dependencies"], *project["optional-dependencies"]["tensorboard"], sep="\n")' > requirements.txt \
    && pip install --no-cache-dir --requirement requirements.txt

COPY README.md LICENSE ./
COPY profiles profiles
COPY harmonic_core harmonic_core
COPY harmonic_tui harmonic_tui
RUN pip install --no-cache-dir --no-deps .


FROM python:3.12-slim

# Whatever version the base image's Debian has is the one that fits it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libportaudio2 \
    && rm -rf /var/lib/apt/lists/*

# The folders are open to all, as /tmp is: the container may run under the uid of whoever owns the mounted ones. New runs
# go to runs/, which is output/, so that they outlive the container.
RUN useradd --uid 1000 --user-group --home-dir /app --no-create-home harmonic \
    && install --directory --owner harmonic --group harmonic --mode 1777 /app/data /app/output \
    && ln -s output /app/runs

COPY --from=build /opt/harmonic /opt/harmonic

# A uid without a name has no home and no user name; libraries look for both in the environment first.
ENV PATH=/opt/harmonic/bin:$PATH \
    HOME=/tmp \
    USER=harmonic \
    XDG_CACHE_HOME=/app/data/cache \
    XDG_CONFIG_HOME=/app/data/config \
    TERM=xterm-256color \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /app
USER 1000:1000
VOLUME ["/app/data", "/app/output"]
CMD ["harmonic", "--help"]
