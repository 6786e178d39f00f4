"""Experiments: all configuration values, configs by name, checkpoints.

experiment.py        Experiment, TrainConfig; experiments by name
input_config.py      InputConfig: size, channels, geometry, rate, scaling
published_input.py   InputConfig of a published video model
sampling_config.py   SamplingConfig, TargetConfig: which clips are drawn
loading_config.py    LoadingConfig: shuffle buffer, prefetch, limits
class_config.py      ClassConfig: clips of samples, balance of classes, loss
differences.py       settings in which experiments differ
interval_config.py   IntervalRule, IntervalConfig: thresholds, lengths and gaps of intervals
peak_config.py       PeakRule, PeakConfig: smoothing, distances, operating points
published_scores.py  PublishedScores: scores of another system
checkpoint.py        weights with their experiment in a safetensors file
hub_pull.py          experiments from the Hugging Face Hub, pulled once into the runs folder
hub_push.py          upload of an experiment to the Hugging Face Hub
seen_matches.py      record of the matches that a fold was trained on
"""
