"""From labelled videos to batches of clips on the device.

dataset.py    LabelledVideo: a video with its annotations on the grid
targets.py    targets_at: what the model should say about a frame
sampling.py   which frames an epoch's clips are about, and frame shake
requests.py   TrainingClips, FixedClips: the clips of an epoch, as plain data
shared.py     frames that two processes see
readers.py    open readers of one backend
jobs.py       what parent and worker say to each other
worker.py     the process that decodes
spawn.py      how it is started
pool.py       the processes, their queue and their deadlines
local.py      the same work without a process
mix.py        how many workers of which backend
batch.py      ClipBatch, and its way to the device
stats.py      what a loader has done
loader.py     ClipLoader
"""
