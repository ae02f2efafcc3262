#!/bin/sh
# torchcfm 1.0.7: ExactOptimalTransportConditionalFlowMatcher pairs images with noise by
# drawing from the transport plan with replacement, though that plan is one pairing. Of a
# batch of 256 images about 160 are trained on, some of them several times, the others not.
# specsched train pairs nothing: an image that is drawn twice gets other noise.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
install() {
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
install torch==2.13.0 POT==0.9.7.post1 numpy==2.4.6
install --no-deps torchcfm==1.0.7
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import numpy as np
import torch
from torchcfm.conditional_flow_matching import (
    ExactOptimalTransportConditionalFlowMatcher,
)

COUNT = 256
np.random.seed(0)
torch.manual_seed(0)
images, noise = torch.randn(2, COUNT, 3, 16, 16)
images[:, 0, 0, 0] = torch.arange(COUNT)
matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
t, x, velocity = matcher.sample_location_and_conditional_flow(noise, images)
chosen = (x + (1 - t.reshape(-1, 1, 1, 1)) * velocity)[:, 0, 0, 0].round()
numbers, times = chosen.unique(return_counts=True)
plan = matcher.ot_sampler.get_map(noise, images)
print(f"of {COUNT} images {len(numbers)} are used, one {times.max()} times")
print("partners of an image in the plan:", (plan > 0).sum(axis=0).max())
assert (plan > 0).sum(axis=0).max() == 1
assert len(numbers) < 0.7 * COUNT
END
