import pytest
import torch
from skimage.metrics import structural_similarity

from arae_core.metrics import psnr, ssim


def images(n=3, size=24, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_psnr_by_hand_and_identical_images():
    x = torch.full((2, 3, 8, 8), 0.5)
    x_hat = torch.stack([x[0] + 0.1, x[1] - 0.01])  # mean squared errors 0.01 and 0.0001
    torch.testing.assert_close(psnr(x_hat, x), torch.tensor([20.0, 40.0]), rtol=0, atol=1e-3)
    torch.testing.assert_close(psnr(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)), torch.zeros(1))
    x = images()
    assert psnr(x, x).tolist() == [float("inf")] * 3
    torch.testing.assert_close(ssim(x, x), torch.ones(3))


def test_ssim_is_that_of_scikit_image():
    x = images()
    x_hat = (x + 0.2 * images(seed=1) - 0.1).clamp(0, 1)
    how = dict(channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    pairs = zip(x_hat.double().numpy(), x.double().numpy())
    expected = [structural_similarity(a, b, **how) for a, b in pairs]
    torch.testing.assert_close(ssim(x_hat, x).double(), torch.tensor(expected), rtol=0, atol=1e-5)


def test_each_image_has_its_own_number_computed_in_float32_and_without_gradient():
    x, x_hat = images(), images(seed=1).requires_grad_()
    for metric in (psnr, ssim):
        one_by_one = torch.cat([metric(x_hat[i : i + 1], x[i : i + 1]) for i in range(3)])
        assert metric(x_hat, x).shape == (3,)
        torch.testing.assert_close(metric(x_hat, x), one_by_one)
        assert metric(x_hat[:1], x[:1]).shape == (1,) and not metric(x_hat, x).requires_grad
        assert metric(x_hat.bfloat16(), x.bfloat16()).dtype == torch.float32
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(metric(x_hat, x), metric(x_hat, x))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_other_input_is_refused_and_by_ssim_what_is_smaller_than_its_window(metric):
    x = images()
    for a, b, cause in ((x, x[:2], "differ in shape"), (x * 255, x, "divided by 255"),
                        (x, 2 * x - 1, r"\[0,1\]"), (x[0], x[0], "batch"), (torch.where(x > 0.5, torch.nan, x), x, r"\[0,1\]")):
        pytest.raises(ValueError, metric, a, b).match(cause)
    pytest.raises(TypeError, metric, (x * 255).byte(), x).match("uint8")
    pytest.raises(TypeError, metric, x.numpy(), x).match("ndarray")
    pytest.raises(ValueError, ssim, images(size=10), images(size=10)).match("11 pixels")
    assert ssim(images(size=11), images(size=11)).shape == (3,)
