#!/bin/sh
# diffusers 0.42.1: EMAModel(decay=0.9999, use_ema_warmup=False) warms up all the same: its
# decay is (1 + step) / (10 + step) until that passes 0.9999, which takes 90,000 steps.
# After 1,000 steps the average has left its first weights behind, of which 90 % should be
# left.
# specsched train averages over a fixed share of the run, which needs no warm-up and no
# decay.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import torch
from diffusers.training_utils import EMAModel

STEPS, DECAY = 1000, 0.9999
weight = torch.nn.Parameter(torch.ones(1))
average = EMAModel([weight], decay=DECAY, use_ema_warmup=False)
weight.data.zero_()
for _ in range(STEPS):
    average.step([weight])
left = float(average.shadow_params[0])
print(f"decay after {STEPS} steps: {average.cur_decay_value:.4f}, asked for {DECAY}")
print(f"left of the first weight: {left:.2g}, by the decay {DECAY**STEPS:.2g}")
assert average.cur_decay_value < 0.992
assert left < 1e-6
END
