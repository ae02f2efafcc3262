#!/bin/sh
# diffusers 0.42.1: EDMEulerScheduler.set_timesteps(sigmas=...) takes places on its own
# curve from 0 (sigma_max) to 1 (sigma_min), not sigmas: 0.9, 0.5, 0.1 comes back as 0.017,
# 2.5, 45, rising. With sigma_schedule="exponential" the values make no difference, only how
# many.
# specsched export --target diffusers-edm writes lines that assign the table instead.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check \
    diffusers==0.42.1 torch==2.13.0 numpy==2.4.6
cd "$place"
"$place/env/bin/python" -W ignore - <<'END'
import torch
from diffusers import EDMEulerScheduler

tables = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([30.0, 3.0, 0.3])
played = {}
for curve, table in (("karras", 0), ("exponential", 0), ("exponential", 1)):
    scheduler = EDMEulerScheduler(sigma_schedule=curve)
    scheduler.set_timesteps(sigmas=tables[table])
    played[curve, table] = scheduler.sigmas
    print(curve, "given", tables[table].tolist(), "plays", scheduler.sigmas.tolist())
low, high, rho = 0.002, 80.0, 7
for place, sigma in zip(tables[0].tolist(), played["karras", 0].tolist()):
    curve = high ** (1 / rho) + place * (low ** (1 / rho) - high ** (1 / rho))
    assert abs(sigma / curve**rho - 1) < 1e-4
assert torch.equal(played["exponential", 0], played["exponential", 1])
END
