FROM nvidia/cuda:13.0.1-runtime-ubuntu24.04

# `video` lets the container see NVDEC; without it PyNvVideoCodec cannot be imported.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video \
    PATH=/opt/bvas/bin:$PATH

# gcc is for torch.compile.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv python3-dev gcc git make \
    && rm -rf /var/lib/apt/lists/*

COPY . /src
RUN python3 -m venv /opt/bvas && /opt/bvas/bin/pip install --no-cache-dir --constraint /src/constraints.txt '/src[train]'

# Ubuntu's image brings the user `ubuntu` (1000).
USER ubuntu
WORKDIR /workdir
CMD ["bash"]
