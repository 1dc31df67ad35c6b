"""A trained encoder with Haar analysis in place of its poolings, so that nothing is thrown away (A, Table A8).

A's denoiser takes AlexNet as it was trained, and puts a Haar analysis where a max pooling was. LL goes on to the next
convolution, the details go past the rest of the encoder to the decoder. No weight changes.

The convolutions behind a pooling then see something else than they were trained on. LL is twice the mean of a block
where they knew its largest value: up to twice that where a block is even, half of it where one value stands alone.
A leaves it so, and its decoder learns to read the features as they come.
"""

from torch import Tensor, nn

from arae_core.networks.encoder import Encoder
from arae_core.networks.specification import specification
from arae_core.systems.denoising.haar import haar_analysis

Features = tuple[Tensor, list[Tensor]]  # z, and the details of each pooling from the image on


class WaveletEncoder(nn.Module):
    """x -> (z, details): an encoder up to a layer, each max pooling of stride 2 replaced by Haar analysis.

    Args:
        encoder: a chain of convolutions, ReLUs and max poolings up to `layer`, such as `AlexNet`; its modules are
            shared, not copied.
        layer: one that ends in a pooling.

    Raises:
        ValueError: there is no such layer, no pooling up to it, or one of another stride. TypeError: a stage that is
            no plain chain.
    """

    def __init__(self, encoder: Encoder, layer: str = "conv5"):
        super().__init__()

        self.encoder, self.layer = encoder, layer
        self.arguments = {"encoder": specification(encoder), "layer": layer}
        poolings = [operation for operation in self.operations() if isinstance(operation, nn.MaxPool2d)]
        if not poolings or not isinstance(self.operations()[-1], nn.MaxPool2d):
            raise ValueError(f"{layer} of {type(encoder).__name__} does not end in a max pooling")
        if any(pooling.stride not in (2, (2, 2)) for pooling in poolings):
            raise ValueError(f"{type(encoder).__name__} has a max pooling of another stride than 2")

    def operations(self) -> list[nn.Module]:
        """The encoder's operations from the image to `layer`, its poolings as they were."""
        stages = self.encoder.up_to(self.layer)
        if any(not isinstance(stage, nn.Sequential) for stage in stages):
            raise TypeError(f"{type(self.encoder).__name__} is no plain chain up to {self.layer}")
        return [operation for stage in stages for operation in stage.children()]

    @property
    def stride(self) -> int:
        """Of the first operation, a convolution."""
        first = self.operations()[0]
        assert isinstance(first, nn.Conv2d)
        return first.stride[0]

    def forward(self, x: Tensor) -> Features:
        """z (B, C, h, w) of images x (B, 3, H, W) in [0, 1], and for each pooling its details (B, 3, C', h', w')."""
        z, details = (x - self.encoder.mean) / self.encoder.std, []
        for operation in self.operations():
            if isinstance(operation, nn.MaxPool2d):
                z, detail = haar_analysis(z)
                details.append(detail)
            else:
                z = operation(z)
        return z, details
