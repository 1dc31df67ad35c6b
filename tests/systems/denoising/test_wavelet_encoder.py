"""The wavelet encoder: the same modules, Haar where pooling was."""

import pytest
import torch

from arae_core.networks import AlexNet, ResNet18
from arae_core.systems.denoising import WaveletEncoder, haar_analysis


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return AlexNet(32, 10, width=0.125).eval()


def test_it_is_the_encoder_with_haar_by_hand(encoder):
    x = torch.rand(2, 3, 32, 32)
    z = (x - encoder.mean) / encoder.std
    stages, wanted = encoder.stages, []
    for name in ("conv1", "conv2"):
        z, details = haar_analysis(stages[name][1](stages[name][0](z)))
        wanted.append(details)
    z, details = haar_analysis(stages["conv5"][:2](stages["conv4"](stages["conv3"](z))))
    got, skips = WaveletEncoder(encoder, "conv5")(x)
    assert torch.equal(got, z) and got.shape == encoder.features(x, "conv5").shape
    assert len(skips) == 3 and all(torch.equal(a, b) for a, b in zip(skips, [*wanted, details]))


def test_at_224_pixels_shapes_are_a_s():
    encoder = AlexNet(224, 10, width=0.125)
    z, details = WaveletEncoder(encoder)(torch.rand(1, 3, 224, 224))
    assert z.shape == (1, 32, 6, 6)
    assert [tuple(d.shape[1:]) for d in details] == [(3, 8, 27, 27), (3, 24, 13, 13), (3, 32, 6, 6)]


def test_weights_are_shared_and_untouched(encoder):
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    wavelet = WaveletEncoder(encoder)
    wavelet(torch.rand(1, 3, 32, 32))
    assert wavelet.encoder is encoder and {id(p) for p in wavelet.parameters()} == {id(p) for p in encoder.parameters()}
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_layers_that_do_not_end_in_a_pooling_are_refused(encoder):
    with pytest.raises(ValueError, match="conv3 of AlexNet does not end in a max pooling"):
        WaveletEncoder(encoder, "conv3")
    pytest.raises(ValueError, WaveletEncoder, encoder, "conv6").match("conv6")


def test_residual_encoders_are_refused():
    f = ResNet18(num_classes=10, width=0.1)
    with pytest.raises((TypeError, ValueError), match="no plain chain|does not end"):
        WaveletEncoder(f, f.layers[1])
