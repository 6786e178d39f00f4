#!/usr/bin/env bash
# What a machine with a GPU tells: whether NVDEC decodes there, the GPU tests, the benchmarks. See scripts/gpu_check.py.
#   usage: scripts/gpu_check.sh [OUT [STAGE...]] [--minutes N] [--again] [--stages FILE] [--plan]
# PYTHON names the interpreter (default: .venv/bin/python if it is there, else python3); it needs no make.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
# In some containers the driver's video libraries lie where the loader does not look.
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib64; do
  if [ -e "$folder/libnvcuvid.so.1" ] && ! ldconfig -p 2>/dev/null | grep -q libnvcuvid.so.1; then
    export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
done
ldconfig -p 2>/dev/null | grep -E 'libcuda\.so\.1|libnvcuvid|libnvidia-encode' || echo "ldconfig -p knows no video library of NVIDIA's"
echo "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}"
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
exec "$python" scripts/gpu_check.py "$@"
