#!/usr/bin/env bash
# Checks, then times everything on a machine with a GPU in at most ten minutes, and leaves JSON and a log in OUT. If a part
# fails, hangs or crashes, only that part is lost.
#
#   node .ci/build.js --bench      makes dist/bench/*.bundle.js, where the repository is installed
#   bash bench/gpu.sh OUT [FORMER] needs those files, Node ≥ 20 and the npm package webgpu; .gpu/enter.sh is read where it exists
#
# Peers are compared where they are beside: in bench/peers/node_modules, or beside webgpu, or PyTorch in python3. With FORMER, a
# results.json of an earlier run, times are compared with it. OUT/share.json is what bench/results/README.md asks for.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
out=${1:?usage: bash bench/gpu.sh OUT [FORMER]}
former=${2:-}
mkdir -p "$out"
[ -f .gpu/enter.sh ] && source .gpu/enter.sh

failed=0
# part SECONDS BUNDLE ARGUMENTS…: no comparison or suite is started after the time; the program is ended if it takes 25 s more.
part() {
  local seconds=$1 bundle=$2
  shift 2
  local minutes
  minutes=$(awk "BEGIN { print $seconds / 60 }")
  if ! timeout --kill-after=5 "$((seconds + 25))" node "dist/bench/$bundle.bundle.js" --minutes "$minutes" "$@" 2>&1; then
    echo "part failed: $*"
    failed=1
  fi
}
results=(--json "$out/results.json" --add)
[ -n "$former" ] && results+=(--against "$former")

{
  rm -f "$out/results.json"
  part 55 gpu "${results[@]}" --suite none --verify
  part 110 gpu "${results[@]}" --suite operations --seconds 0.3
  # Kernels that nobody has timed yet, such as subgroup matrices, only run where tuning has chosen them.
  part 130 gpu "${results[@]}" --suite networks --seconds 0.4 --size 224,1024 --batch 1,16 --tune 5
  part 40 gpu "${results[@]}" --suite localizer --seconds 1
  part 25 gpu "${results[@]}" --suite training --seconds 2
  # The most important comparisons come first, since the time may not suffice for all.
  peers=(--no-install --engines 'raybox tuned,onnxruntime-node webgpu,tensorflow.js webgpu,pytorch cuda' --seconds 3)
  part 90 peers "${peers[@]}" --json "$out/peers.json" --networks resnet50,densenet121,squeezenet1_1,head --size 224 --batch 1,16
  part 30 peers "${peers[@]}" --json "$out/peers-1024.json" --networks resnet50 --size 1024 --batch 1 --no-training
  part 45 peers "${peers[@]}" --json "$out/peers-f16.json" --networks resnet50 --size 224 --batch 1,16 --type f16 --no-training
  node dist/bench/gpu.bundle.js "${results[@]}" --suite none --share-to "$out/share.json" || failed=1
} > >(tee "$out/log.txt")
exit $failed
