"""Operating system, files and processes: every call that only one platform has.

atomic_files.py       atomic file writing: to a temporary name beside the target, then renamed
background.py         calls in background threads that the end of the program does not wait for
c_output.py           output of C libraries, redirected away from the results that a command prints
c_random.py           random numbers of the C library
cache_folder.py       folder for files that can be made again
closing.py            base class of objects that are closed at the end of a `with` block
compile_cache.py      compiled kernels kept between runs, in our cache folder
compiled_function.py  torch.compile for batches of one shape, with plain calls as the fallback
control_groups.py     limits of control groups, and the memory that is free under them
cpu_cores.py          cores that are free, and thread pools that follow them
cuda_driver.py        calls of the CUDA driver: sharing memory between processes
dataclass_json.py     frozen dataclasses as JSON and back, each value checked against its type
devices.py            devices and number formats of this machine
doctor/               findings about this machine, with remedies
download.py           downloads that resume, and that are never taken for another file
extras.py             the extra `train`: its packages, and how to install them
file_names.py         file names: shown to people, and derived for outputs
hub.py                client of the Hugging Face Hub, and its errors as lines that name a remedy
interrupts.py         Ctrl-C delayed while C code calls Python functions
job_arrays.py         share of this process in a job array of Slurm or Kubernetes
jobs/                 job runner and its executors
locks.py              locks between processes: on a folder, and on a file that is being written
log_lines.py          log lines and error lines of a process, without the secrets of addresses
notices.py            log lines that a process writes once
nvdec_caps.py         NVDEC capabilities of a GPU, and the versions of PyNvVideoCodec that are used
onnx_graph.py         networks as ONNX graphs, by PyTorch's exporter
onnx_session.py       a session of ONNX Runtime, and the device that it computes on
openvino_session.py   a session of OpenVINO
pipes.py              reading ends of pipes, opened and waited for without blocking
quiet_logging.py      suppression of other packages' warnings and log lines
scratch.py            scratch folder of a process, removed at its end
shared_folder.py     proof that the locks of a folder hold, here and between machines
shared_memory.py      memory that a process shares with the workers it starts
table_files.py        tables in text files, as spreadsheets and other programs write them
tensor_files.py       tensors of a safetensors file
text_files.py         text files and JSON: reading with one rule for encodings, line breaks and damage
"""
