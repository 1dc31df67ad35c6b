"""DCGAN's discriminator (Radford, Metz and Chintala 2016): its generator upside down.

Convolutions of stride 2 halve the side and double the channels down to 4 x 4, with batch norm (not after the first)
and leaky ReLU of slope 0.2; a last convolution looks at all of the 4 x 4. The paper ends in a sigmoid, this returns
logits. It knows nothing of features: DCGAN's images have none that they should match.
"""

from torch import Tensor, nn

from arae_core.networks.encoder import scaled
from arae_core.systems.anomaly.dcgan_generator import FIRST_SIDE, dcgan_doublings, initialise_dcgan

SLOPE = 0.2


class DCDiscriminator(nn.Module):
    """d: images (B, 3, S, S) in [0, 1] to logits (B, 1) of "x is real".

    image_size, width: as `DCGenerator`'s. Raises ValueError for another size.
    """

    def __init__(self, image_size: int = 64, width: float = 1.0):
        super().__init__()
        self.arguments = {"image_size": image_size, "width": width}
        doublings = dcgan_doublings(image_size)
        units: list[nn.Module] = []
        before = 3
        for i in range(doublings):
            after = scaled(64 * 2**i, width)
            units.append(nn.Conv2d(before, after, 4, 2, 1, bias=i == 0))
            units += [nn.BatchNorm2d(after)] if i else []
            units.append(nn.LeakyReLU(SLOPE))
            before = after
        self.judge = nn.Sequential(*units, nn.Conv2d(before, 1, FIRST_SIDE), nn.Flatten())
        initialise_dcgan(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(2 * x - 1)  # the paper's images are in [-1, 1]
