#!/bin/sh
# diffusers 0.42.1: with timestep_spacing "trailing", 62 numbers of steps up to 1000 (61,
# 103, 121, ...) give one step more than was asked for, at timestep -1, of which no network
# knows. Euler takes it for timestep 0; DDIM counts it from the end, and takes the finished
# image for noise.
# specsched takes as many levels of a scheduler, --kind native, as you ask for.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
from diffusers import DDIMScheduler

longer = []
for steps in range(1, 1001):
    scheduler = DDIMScheduler(timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    if len(scheduler.timesteps) != steps:
        assert len(scheduler.timesteps) == steps + 1
        assert scheduler.timesteps[-1] == -1
        longer.append(steps)
print(len(longer), "numbers of steps get one more:", longer[:8])
scheduler.set_timesteps(61)
print("61 steps end at", scheduler.timesteps[-3:].tolist())
signal = [float(scheduler.alphas_cumprod[time]) for time in scheduler.timesteps[-2:]]
print("share of the image that DDIM takes to be there:", signal)
assert signal[0] > 0.99 > 0.01 > signal[1]
assert longer[:3] == [61, 103, 121]
END
