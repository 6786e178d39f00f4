import math

import pytest
import torch

from bvas.errors import ConfigError
from bvas.models.focal_loss import LossConfig, focal_loss


def loss_of(logits, targets, **config):
    return focal_loss(torch.tensor([logits]), torch.tensor([targets]), LossConfig(**config)).item()


def test_a_coin_flip_costs_the_log_of_two_weighed_by_a_half_to_the_gamma():
    assert loss_of([0.0], [1.0], gamma=2.0) == pytest.approx(0.25 * math.log(2))
    assert loss_of([0.0], [0.0], gamma=2.0) == pytest.approx(0.25 * math.log(2))


def test_three_quarters_sure_of_the_truth():
    logit = math.log(3)  # probability 3/4

    assert loss_of([logit], [1.0], gamma=2.0) == pytest.approx(0.25**2 * -math.log(0.75))
    assert loss_of([logit], [0.0], gamma=2.0) == pytest.approx(0.75**2 * -math.log(0.25))


def test_gamma_zero_is_binary_cross_entropy():
    logits, targets = torch.randn(5, 3), torch.rand(5, 3)

    ours = focal_loss(logits, targets, LossConfig(gamma=0.0))

    torch.testing.assert_close(ours, torch.nn.functional.binary_cross_entropy_with_logits(logits, targets))


def test_alpha_weighs_ones_and_its_rest_weighs_zeros():
    plain = 0.25 * math.log(2)

    assert loss_of([0.0], [1.0], gamma=2.0, alpha=0.4) == pytest.approx(0.4 * plain)
    assert loss_of([0.0], [0.0], gamma=2.0, alpha=0.4) == pytest.approx(0.6 * plain)


def test_label_weights_weigh_columns_and_the_mean_is_over_all():
    plain = 0.25 * math.log(2)

    loss = loss_of([0.0, 0.0], [1.0, 0.0], gamma=2.0, label_weights=(3.0, 1.0))

    assert loss == pytest.approx((3 * plain + plain) / 2)


def test_a_half_target_weighs_both_answers_alike():
    # p = 3/4, t = 1/2: cross-entropy is the mean of both, the wrong answer's share is 1/2.
    expected = 0.5**2 * -(math.log(0.75) + math.log(0.25)) / 2

    assert loss_of([math.log(3)], [0.5], gamma=2.0) == pytest.approx(expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.2, 2.0])
@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_the_surest_logits_give_finite_losses_and_gradients(gamma, target):
    logits = torch.tensor([[-1e4, -100.0, 0.0, 100.0, 1e4]], requires_grad=True)

    loss = focal_loss(logits, torch.full((1, 5), target), LossConfig(gamma=gamma))
    loss.backward()

    assert math.isfinite(loss.item())
    assert logits.grad.isfinite().all()


def test_half_precision_logits_are_computed_in_single_precision():
    loss = focal_loss(torch.zeros(1, 1, dtype=torch.bfloat16), torch.ones(1, 1), LossConfig(gamma=2.0))

    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.25 * math.log(2), rel=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"gamma": -1.0}, {"alpha": -1.0}, {"alpha": 1.5}, {"label_weights": ()}, {"label_weights": (0.0,)}],
)
def test_weights_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LossConfig(**wrong)


def test_label_weights_of_another_number_of_labels_are_refused():
    with pytest.raises(ConfigError, match="2 label_weights for 3 labels"):
        loss_of([0.0, 0.0, 0.0], [0.0, 0.0, 1.0], label_weights=(1.0, 1.0))
