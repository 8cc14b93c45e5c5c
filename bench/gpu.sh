#!/usr/bin/env bash
# Checks, then times everything on a machine with a GPU in at most 8 minutes, and leaves JSON and a log in OUT. If a part
# fails, hangs or crashes, only that part is lost.
#
#   node .ci/build.js --bench      makes dist/bench/gpu.bundle.js, where the repository is installed
#   bash bench/gpu.sh OUT          needs that file, Node ≥ 20 and the npm package webgpu; .gpu/enter.sh is read where it exists
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
out=${1:?usage: bash bench/gpu.sh OUT}
mkdir -p "$out"
[ -f .gpu/enter.sh ] && source .gpu/enter.sh

failed=0
part() {
  local minutes=$1
  shift
  # The program ends by itself; the timeout is for hangs.
  if ! timeout --kill-after=5 "$((minutes * 60 + 15))" node dist/bench/gpu.bundle.js --minutes "$minutes" "$@" 2>&1; then
    echo "part failed: $*"
    failed=1
  fi
}

{
  part 1 --suite none --verify --json "$out/kernels.json"
  part 3 --suite operations --seconds 0.4 --json "$out/operations.json"
  part 2 --suite networks --seconds 0.5 --json "$out/networks.json"
  part 1 --suite localizer --seconds 1 --json "$out/localizer.json"
} > >(tee "$out/log.txt")
exit $failed
