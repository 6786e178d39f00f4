#!/usr/bin/env bash
# Run what needs a GPU, on a machine that has one: whether NVDEC is there, the GPU tests, the benchmarks.
# Writes JSON files with the machine's facts and prints a table.
#   usage: scripts/gpu_check.sh [OUT]     (default benchmarks/results)
# PYTHON names the interpreter (default: .venv/bin/python if it is there, else python3).
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-benchmarks/results}
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$PWD
mkdir -p "$out"
name=$("$python" -c "import torch; print(torch.cuda.get_device_name().lower().replace(' ', '-') if torch.cuda.is_available() else 'no-gpu')")
failed=0

echo "== NVDEC"
"$python" scripts/nvdec_facts.py --json "$out/nvdec--$name.json" || failed=1

echo "== GPU tests"
BVAS_REQUIRE_GPU=1 "$python" -m pytest -m gpu -p no:cacheprovider --junitxml="$out/gpu-tests--$name.xml" || failed=1

echo "== benchmarks"
videos=${TMPDIR:-/tmp}/bvas-gpu-videos
"$python" benchmarks/bench_nvdec.py --videos "$videos" --json "$out/nvdec-speed--$name.json" || failed=1
"$python" benchmarks/bench_decode.py --videos "$videos" --device cuda --json "$out/decode--$name.json" || failed=1
"$python" benchmarks/bench_open.py --json "$out/open--$name.json" || failed=1
"$python" benchmarks/bench_loader.py --videos "$videos" --json "$out/loader--$name.json" || failed=1
"$python" benchmarks/bench_mix.py --videos "$videos" --device cuda --json "$out/mix--$name.json" || failed=1
"$python" benchmarks/bench_epoch.py --videos "$videos" --device cuda --json "$out/epoch--$name.json" || failed=1
"$python" benchmarks/bench_predict.py --experiment ball_base --device cuda --frames 256 \
  --json "$out/predict--$name.json" || failed=1

echo "== the demo on the GPU"
start=$(date +%s)
"$python" -m bvas demo --out "${TMPDIR:-/tmp}/bvas-gpu-demo" --runs "${TMPDIR:-/tmp}/bvas-gpu-demo/runs" \
  --device cuda --quiet || failed=1
echo "demo took $(($(date +%s) - start)) s"

exit $failed
