#!/bin/sh
# diffusers 0.42.1: with use_karras_sigmas, EulerDiscreteScheduler runs Karras's curve
# between the ends of the levels that timestep_spacing picked. With "trailing" and 8 steps
# its lowest level is 0.43, with 32 steps 0.11. DPMSolverMultistepScheduler, of the same
# settings, goes down to 0.01 with any number of steps: to the ends of what the network was
# trained on.
# specsched runs this curve, --kind karras, between the bounds that it measured or was told.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler

lowest = {}
for kind in (EulerDiscreteScheduler, DPMSolverMultistepScheduler):
    for steps in (8, 32):
        scheduler = kind(use_karras_sigmas=True, timestep_spacing="trailing")
        scheduler.set_timesteps(steps)
        first, last = (float(scheduler.sigmas[index]) for index in (0, -2))
        print(kind.__name__, steps, f"steps: {first:.4g} to {last:.4g}")
        lowest[kind, steps] = last
assert lowest[EulerDiscreteScheduler, 8] > 0.4
assert lowest[EulerDiscreteScheduler, 32] > 0.1
assert lowest[DPMSolverMultistepScheduler, 8] < 0.011
END
