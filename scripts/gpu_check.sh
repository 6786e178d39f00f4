#!/usr/bin/env bash
# Run what needs a GPU, on a machine that has one: whether NVDEC is there, the GPU tests, the benchmarks.
# Writes JSON files with the machine's facts and prints tables.
#   usage: scripts/gpu_check.sh [OUT [PART...]]
#     OUT   where the files go (default benchmarks/results)
#     PART  what to run, in this order by default: facts tests nvdec decode loader epoch augment train predict demo
#           One or a few at a time where time on the machine is short. `ablation` is run by name only:
#           it trains the mini_ configs with and without camera move, frame shake, averaged weights and 33 frames;
#           run again after an interruption, it goes on where it was.
# PYTHON names the interpreter (default: .venv/bin/python if it is there, else python3).
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:-benchmarks/results}
shift || true
parts=${*:-facts tests nvdec decode loader epoch augment train predict demo}
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$PWD
mkdir -p "$out"
name=$("$python" -c "import torch; print(torch.cuda.get_device_name().lower().replace(' ', '-') if torch.cuda.is_available() else 'no-gpu')")
videos=${TMPDIR:-/tmp}/bvas-gpu-videos
demo=${TMPDIR:-/tmp}/bvas-gpu-demo
league=${TMPDIR:-/tmp}/bvas-gpu-league
failed=0

run() {
  echo "== $*"
  "$python" "$@" || failed=1
}

for part in $parts; do
  start=$(date +%s)
  case $part in
    facts) run scripts/nvdec_facts.py --json "$out/nvdec--$name.json" ;;
    tests) BVAS_REQUIRE_GPU=1 run -m pytest -m gpu -p no:cacheprovider --junitxml="$out/gpu-tests--$name.xml" ;;
    nvdec) run benchmarks/bench_nvdec.py --videos "$videos" --json "$out/nvdec-speed--$name.json" ;;
    decode)
      run benchmarks/bench_decode.py --videos "$videos" --device cuda --json "$out/decode--$name.json"
      run benchmarks/bench_open.py --json "$out/open--$name.json"
      ;;
    loader)
      run benchmarks/bench_loader.py --videos "$videos" --json "$out/loader--$name.json"
      run benchmarks/bench_mix.py --videos "$videos" --device cuda --json "$out/mix--$name.json"
      ;;
    epoch) run benchmarks/bench_epoch.py --videos "$videos" --device cuda --json "$out/epoch--$name.json" ;;
    augment)
      for batch in 4 16; do
        run benchmarks/bench_augment.py --device cuda --batch $batch --json "$out/augment-batch-$batch--$name.json"
      done
      ;;
    train)
      # Each batch size compiles anew, for minutes.
      for batch in 4 16; do
        run benchmarks/bench_train.py --videos "$videos" --device cuda --batch $batch --loading \
          --json "$out/train-batch-$batch--$name.json"
      done
      ;;
    predict)
      run benchmarks/bench_predict.py --device cuda --rows 256 --whole-rows 64 --json "$out/predict--$name.json"
      run benchmarks/bench_spot_file.py --videos "$videos" --device cuda --json "$out/spot-file--$name.json"
      run benchmarks/bench_memory.py --videos "$videos" --device cuda --json "$out/memory--$name.json"
      ;;
    ablation)
      run -m bvas data synth --out "$league" --task ball --preset broadcast --matches 4 --minutes 3 --size 112x192 \
        --keyframe-interval 25 --seed 11 --quiet
      run benchmarks/ablation/run.py --scale mini --questions camera,shake,ema,length --data "$league" \
        --runs "$league/runs" --jobs 4 --json "$out/ablation-mini--$name.json"
      ;;
    demo) run -m bvas demo --out "$demo" --runs "$demo/runs" --device cuda --quiet ;;
    *)
      echo "no part '$part'; there are: facts tests nvdec decode loader epoch augment train predict demo ablation" >&2
      exit 2
      ;;
  esac
  echo "$part took $(($(date +%s) - start)) s"
done
exit $failed
