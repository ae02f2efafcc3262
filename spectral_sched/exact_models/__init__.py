"""Data whose denoiser, and hence what a sampler makes of it, is known exactly.

Each model is a frozen class with ``denoise(x, sigma)``, the posterior mean of the data
under ``x = data + sigma * noise``. They need no network, no torch and no d-sized
arrays where the model reduces to fewer variables, and serve as the answer that
schedules and solvers are held against.

* `gaussian`: one Gaussian, where the best table is known, and one power per mode;
* `finite_set`: a few images;
* `mixture`: two Gaussians in d dimensions, along the paths of `interpolants`;
* `curie_weiss`: spins that agree with each other.

`trajectories` plays any solver on any of them and integrates the exact flow.
"""
