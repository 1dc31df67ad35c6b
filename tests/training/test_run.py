"""A run over something else than images and labels: an image that is optimised itself, with no data set."""

import torch
from torch import nn

from arae_core.training.run import Run


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.zeros(1, 3, 4, 4))


def optimised(until=20, state_file=None):
    """The image after `until` of 20 noisy steps towards grey, and the steps' numbers that were worked on."""
    image, seen = Image(), []
    adam = torch.optim.Adam(image.parameters(), lr=0.1)
    run = Run.repeating(20, seed=3, state_file=state_file, title="an image")
    run.save_every = 0.0
    for number in run.steps({"image": image}, {"adam": adam}):
        seen.append(number)
        loss = (image.x - 0.5 + 0.1 * torch.randn(image.x.shape)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        run.log(loss=loss)
        if number + 1 == until < 20:  # as if the process were gone
            break
    return image.x.detach(), seen, run


def test_steps_without_data_are_counted_seeded_and_logged():
    x, seen, run = optimised()
    assert seen == list(range(20)) and run.total_steps == 20
    assert float((x - 0.5).abs().mean()) < 0.1
    assert len(run.history) == 1 and run.history[0]["loss"] > 0
    assert torch.equal(x, optimised()[0])


def test_what_was_cut_off_goes_on_where_it_was_saved(tmp_path):
    whole = optimised()[0]
    optimised(until=8, state_file=tmp_path / "state")
    again, seen, _ = optimised(state_file=tmp_path / "state")
    assert 0 < seen[0] <= 7 and seen[-1] == 19
    assert torch.equal(again, whole)
