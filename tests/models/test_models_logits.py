"""Networks that end in softmax are refused; logits of any kind are not, and nothing of the network changes."""

import copy

import pytest
import torch
from torch import nn

from bvas.errors import ConfigError
from bvas.models.clip_model import ClipModel
from bvas.models.logits_check import check_gives_logits, lowest_loss

SHAPE = (4, 6, 5)


class Ending(ClipModel):
    """Batch normalization, dropout and a linear layer over all pixels, then `end`."""

    def __init__(self, end, num_labels=10):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.encoder = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(120), nn.Dropout())
            self.classifier = nn.Linear(120, num_labels)
        self.end = end

    def checkpointed_blocks(self):
        return iter(())

    def stages(self):
        return {"all": self}

    def forward(self, frames):
        return self.end(self.classifier(self.encoder(frames)))


def test_a_network_that_ends_in_softmax_is_refused_with_the_loss_it_cannot_pass():
    message = (
        r"outputs of Ending are probabilities .* cross-entropy needs logits: .* cannot fall below 1.46 with 10 labels; "
        "remove the softmax"
    )
    with pytest.raises(ConfigError, match=message):
        check_gives_logits(Ending(nn.Softmax(dim=1)), SHAPE)


def test_the_lowest_loss_is_that_of_cross_entropy_on_certain_and_right_probabilities():
    for num_labels in (2, 10, 400):
        certain = nn.functional.one_hot(torch.tensor([1]), num_labels).float()
        found = float(nn.functional.cross_entropy(certain, torch.tensor([1])))
        assert lowest_loss(num_labels) == pytest.approx(found)
    assert lowest_loss(10) == pytest.approx(1.4612, abs=5e-5)


@pytest.mark.parametrize("end", [nn.Identity(), nn.LogSoftmax(dim=1), nn.Sigmoid()])
def test_logits_and_log_probabilities_are_taken(end):
    check_gives_logits(Ending(end), SHAPE)


def test_cross_entropy_of_log_probabilities_is_that_of_the_logits():
    logits = torch.tensor([[2.0, -1.0, 0.5]])
    wanted = nn.functional.cross_entropy(logits, torch.tensor([2]))
    found = nn.functional.cross_entropy(logits.log_softmax(dim=1), torch.tensor([2]))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("end", [nn.Identity(), nn.Softmax(dim=1)])
def test_weights_statistics_modes_and_random_state_stay(end):
    model = Ending(end).train()
    model.classifier.eval()
    before = copy.deepcopy(model.state_dict())
    random_state = torch.random.get_rng_state()
    try:
        check_gives_logits(model, SHAPE)
    except ConfigError:
        assert isinstance(end, nn.Softmax)
    assert model.training
    assert model.encoder.training
    assert not model.classifier.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert all(parameter.grad is None for parameter in model.parameters())
