"""An epsilon network of 1000 cosine timesteps, and what three lines make of it.

Run it as ``python benchmarks/epsilon.py FOLDER``. It writes images into the folder,
trains a tiny network on them in two minutes of one core (or longer), and prints the
standard deviation of the pixels of the data, and of samples: planned for the data
alone, and planned for the model with ``specsched export --model``. In the folder, as
any user's module, it is what ``--model epsilon:denoiser`` names.
"""

import argparse
import shutil
import sys
import warnings
from contextlib import chdir
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

import spectral_sched
from spectral_sched.cli import main as specsched
from spectral_sched.diffusion.models import WrappedDenoiser, timesteps, wrap
from spectral_sched.diffusion.models.unet import UNet
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.schedules.betas import Betas
from spectral_sched.synthetic import picture

SIDE, COUNT, STEPS, BATCH, RATE = 16, 1000, 2000, 16, 2e-3
AVERAGED = 10
"""Spans of the running average in a training."""
KIND = "landscapes"
WEIGHTS = "epsilon.safetensors"


class Network(nn.Module):
    """A U-Net that is told whole timesteps and answers with the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.unet = UNet(NetworkConfig(3, (16, 32), 1, 0.5))

    def forward(self, x: Tensor, timestep: Tensor) -> Tensor:
        """Return the noise of x, (B, C, H, W), at timesteps, (B,)."""
        noise: Tensor = self.unet(x, (timestep / 250 - 2)[:, None])
        return noise


def denoiser() -> WrappedDenoiser:
    """Return the trained network, as ``--model epsilon:denoiser`` does."""
    network = Network()
    network.load_state_dict(load_file(WEIGHTS))
    return wrap(network, time=timesteps("cosine", 1000, whole="nearest"))


def pictures() -> np.ndarray:
    """Return the data, (N, H, W, C) in bytes."""
    return np.stack([picture(KIND, (1, number), SIDE) for number in range(COUNT)])


def train(data: np.ndarray, steps: int, batch: int) -> Network:
    """Return the averaged network of a training (arXiv 2006.11239, Alg. 1)."""
    torch.manual_seed(0)
    clean = torch.from_numpy(data).permute(0, 3, 1, 2).float() / 127.5 - 1
    abar = torch.from_numpy(Betas("cosine").abar()).float()
    network, averaged = Network(), Network()
    averaged.load_state_dict(network.state_dict())
    adam = torch.optim.Adam(network.parameters(), RATE)
    for step in range(steps):
        adam.param_groups[0]["lr"] = RATE * (1 + np.cos(np.pi * step / steps)) / 2
        x = clean[torch.randint(len(clean), (batch,))]
        times = torch.randint(len(abar), (batch,))
        kept, noise = abar[times].reshape(-1, 1, 1, 1), torch.randn_like(x)
        answer = network(kept.sqrt() * x + (1 - kept).sqrt() * noise, times)
        adam.zero_grad()
        loss = functional.mse_loss(answer, noise)
        loss.backward()  # type: ignore[no-untyped-call]
        if step % 300 == 0:
            print(f"step {step}, loss {loss.item():.3f}", flush=True)
        adam.step()
        with torch.no_grad():
            for mean, new in zip(
                averaged.parameters(), network.parameters(), strict=True
            ):
                mean.lerp_(new, AVERAGED / steps)
    return averaged


def run(line: str) -> None:
    """Run a line of specsched, and print it."""
    print(f"$ {line}", flush=True)
    sys.argv = line.split()
    try:
        specsched()
    except SystemExit as ended:
        if ended.code:
            raise


def deviation(schedule: str) -> float:
    """Return the standard deviation of the pixels of samples, which nothing clips."""
    with warnings.catch_warnings(action="ignore"):
        found = spectral_sched.sample(schedule, range(128), model="epsilon:denoiser")
    return float(found.std())


def main() -> None:
    """Train, play, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sampler", default="dpmpp-2m")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--train", type=int, default=STEPS)
    parser.add_argument("--batch", type=int, default=BATCH)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, asked.folder / "epsilon.py")
    with chdir(asked.folder):
        sys.path.insert(0, str(Path.cwd()))
        data = pictures()
        np.save("pictures.npy", data)
        if not Path(WEIGHTS).exists():
            trained = train(data, asked.train, asked.batch)
            save_file(trained.state_dict(), WEIGHTS)
        run("specsched analyze pictures.npy --force")
        export = f"specsched export --sampler {asked.sampler} --steps {asked.steps}"
        play = "specsched sample --model epsilon:denoiser --seeds 0-127 --force"
        run(f"{export} -o free.json --force")
        run(f"{play} --schedule free.json -o free")
        run(f"{export} --model epsilon:denoiser -o tight.json --force")
        run(f"{play} --schedule tight.json -o tight")
        print(f"standard deviation of pixels: data {(data / 127.5 - 1).std():.3f}")
        for name in ("free.json", "tight.json"):
            print(f"samples of {name}: {deviation(name):.3f}")


if __name__ == "__main__":
    main()
