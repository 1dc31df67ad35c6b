"""The networks that chapters share: encoders f with named layers and the normalisation inside, generators g that map
features back to images, the discriminator d, and the autoencoder made of f and g."""

from arae_core.networks.alexnet import AlexNet
from arae_core.networks.alexnet_inverter import alexnet_inverter
from arae_core.networks.autoencoder import Autoencoder
from arae_core.networks.discriminator import FeatureDiscriminator
from arae_core.networks.encoder import Encoder
from arae_core.networks.frozen import frozen
from arae_core.networks.mirror import mirror
from arae_core.networks.pretrained import WeightsUnavailable
from arae_core.networks.resnet import ResNet18
from arae_core.networks.specification import specification, specified
from arae_core.networks.vgg import VGG16
from arae_core.networks.vgg19 import VGG19, fetch_vgg19, vgg19
from arae_core.networks.wide_resnet import WideResNet28_10

__all__ = ["AlexNet", "Autoencoder", "Encoder", "FeatureDiscriminator", "ResNet18", "VGG16", "VGG19"]
__all__ += ["WeightsUnavailable", "WideResNet28_10", "alexnet_inverter", "fetch_vgg19", "frozen", "mirror"]
__all__ += ["specification", "specified", "vgg19"]
