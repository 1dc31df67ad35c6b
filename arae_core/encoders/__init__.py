"""f: image classifiers with named layers, normalisation inside."""

from arae_core.encoders.alexnet import AlexNet
from arae_core.encoders.encoder import Encoder
from arae_core.encoders.haar import haar_analysis, haar_synthesis
from arae_core.encoders.resnet import ResNet18
from arae_core.encoders.vgg import VGG16
from arae_core.encoders.vgg19 import VGG19, fetch_vgg19, vgg19
from arae_core.encoders.wavelet import WaveletEncoder
from arae_core.encoders.wide_resnet import WideResNet28_10

__all__ = [
    "AlexNet", "Encoder", "ResNet18", "VGG16", "VGG19", "WaveletEncoder", "WideResNet28_10", "fetch_vgg19",
    "haar_analysis", "haar_synthesis", "vgg19",
]
