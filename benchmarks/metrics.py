"""PSNR and SSIM: ours against piq, piqa and deepinv, all in float32.

What SSIM is, scikit-image says in float64. A variance that is a difference of means loses digits in float32, in
everybody's code: each is some 1e-5 away from it, and 1e-4 is what is allowed.
"""

from __future__ import annotations

import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from arae_core import metrics
from benchmarks.harness import BenchRecord, Comparison, Contender, apart, measure
from benchmarks.material import photographs
from benchmarks.peers import missing


def run(device: str) -> BenchRecord:
    x, _ = photographs(2048 if device == "cuda" else 512, device).batch(slice(None))
    x_hat = (x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(device)).clamp(
        0, 1
    )
    absent, peers = missing("piq", "piqa", "deepinv"), []
    if "piq" not in absent:
        import piq

        peers.append(
            Contender(
                "piq",
                lambda: _pair(
                    piq.psnr(x_hat, x, reduction="none"),
                    piq.ssim(x_hat, x, downsample=False, reduction="none"),
                ),
            )
        )
    if "piqa" not in absent:
        import piqa

        ssim = piqa.SSIM(n_channels=3, reduction="none").to(device)
        peers.append(Contender("piqa", lambda: _pair(piqa.psnr.psnr(x_hat, x), ssim(x_hat, x))))
    if "deepinv" not in absent:
        import deepinv

        psnr, ssim_there = deepinv.metric.PSNR(reduction="none"), deepinv.metric.SSIM(reduction="none")
        peers.append(Contender("deepinv", lambda: _pair(psnr(x_hat, x), ssim_there(x_hat, x))))

    exact = _ssim_exactly(x_hat, x)

    def check(own: Tensor, theirs: Tensor, name: str) -> str:
        psnr = apart(own[0], theirs[0], 1e-4, "PSNR")
        apart(own[1], exact, 1e-4, "our SSIM")
        if name == "deepinv":  # it reflects at the edges, where the others take whole windows only
            return f"{psnr}; SSIM otherwise defined, apart by {float((own[1] - theirs[1]).abs().max()):.2g}"
        return f"{psnr}; from the exact SSIM {float((own[1] - exact).abs().max()):.1e} (ours), " + apart(
            theirs[1], exact, 1e-4, "theirs"
        )

    return measure(
        Comparison(
            "metrics",
            "PSNR and SSIM",
            f"{len(x)} images of 32 pixels",
            Contender("ours", lambda: _pair(metrics.psnr(x_hat, x), metrics.ssim(x_hat, x))),
            peers,
            check,
            items=len(x),
            item="image",
            left_out=absent,
            libraries=("piq", "piqa", "deepinv", "torchmetrics", "scikit-image"),
        ),
        device,
    )


def _pair(psnr: Tensor, ssim: Tensor) -> Tensor:
    return torch.stack([psnr.flatten(), ssim.flatten()])


def _ssim_exactly(x_hat: Tensor, x: Tensor) -> Tensor:
    """SSIM by scikit-image in float64, with Wang's window."""
    pairs = zip(x_hat.double().cpu().numpy(), x.double().cpu().numpy(), strict=True)
    return torch.tensor(
        [
            structural_similarity(
                a,
                b,
                channel_axis=0,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=1.0,
                truncate=3.5,
            )
            for a, b in pairs
        ]
    ).to(x.device)
