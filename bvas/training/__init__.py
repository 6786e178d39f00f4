"""Training of folds: from an experiment and a data root to weights.

fold.py              run_fold: sets up data, model, loaders and logs of one fold
loop.py              FoldRun: epochs, validation, saved states
step.py              Trainer: forward, backward, optimizer, averaged weights
compile.py           torch.compile and activation checkpointing
distributed.py       ranks that train one model together
initial_model.py     starting weights
fold_data.py         out-of-fold curves for hard negatives
sibling_check.py     refusal of samples with copies in other folds or splits
stage_schedule.py    stages that learn in an epoch, and their learning rates
optim.py             optimizer and learning rate schedule
ema.py               exponential moving average of the weights
divergence.py        LossWatch: detection of NaN and infinite values
validation.py        loss and figures on held-out clips
validation_clips.py  device that keeps the held-out clips
observer.py          protocol of observers of a run
overfit.py           overfit check on a few clips
rate_finder.py       learning rate range test
run_logs.py          log.csv, TensorBoard, environment
history.py           history.json: confusion matrices of each epoch
run_state.py         state file of an unfinished run
resume.py            status of a fold, and checks before it is resumed
"""
