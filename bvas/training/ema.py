"""Exponential moving average of the weights, which is validated, saved and used to predict."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class AveragedWeights(AveragedModel):
    """torch's exponential moving average over parameters and buffers, without a GPU sync per update.

    torch copies the number of updates to the device for each dtype at each update, which waits for all queued work.
    This average does not depend on the number.

    What is frozen is left as it is: parameters that do not learn, and buffers of modules in evaluation mode. Their
    average is themselves, but `decay * x + (1 - decay) * x` may round down, and counters lose one at each update.

    BatchNorm statistics are averaged with the same decay, as the reference system does, so that they match the
    averaged weights and not the latest ones.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Update the average by the model's weights and buffers; the first time they are copied."""
        if not int(self.n_averaged):
            super().update_parameters(model)
            return
        pairs: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
        still = {
            id(buffer)
            for module in model.modules()
            if not module.training
            for buffer in module.buffers(recurse=False)
        }
        still |= {id(parameter) for parameter in model.parameters() if not parameter.requires_grad}
        ours = [*self.module.parameters(), *self.module.buffers()]
        theirs = [*model.parameters(), *model.buffers()]
        for own, other in zip(ours, theirs, strict=True):
            if id(other) in still:
                continue
            averaged, latest = pairs.setdefault(own.dtype, ([], []))
            averaged.append(own.detach())
            latest.append(other.detach())
        for averaged, latest in pairs.values():
            assert self.multi_avg_fn is not None
            self.multi_avg_fn(averaged, latest, self.n_averaged)
        self.n_averaged += 1
