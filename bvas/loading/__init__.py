"""From labelled videos to batches of clips on the device.

dataset.py      LabelledVideo: a video with its annotations on the grid
targets.py      targets_at: what the model should say about a frame
sampling.py     which frames an epoch's clips are about, and frame shake
requests.py     TrainingClips, FixedClips: the clips of an epoch, as plain data
plan.py         in which order clips are read, and in which they are handed out
order.py        EpochOrder: the parts of an epoch to be read in one pass
shared.py       frames that two processes see
readers.py      open readers of one backend
jobs.py         what parent and worker say to each other
worker.py       the process that decodes
spawn.py        how it is started, and ended
dispatch.py     who gets which job, and what becomes of one that fails
pool.py         the processes, their pipes and their deadlines
local.py        the same work without a process
mix.py          how many workers of which backend
index_cache.py  indices of videos where the user's cache cannot be written
skips.py        which damage is passed over, and how much of it
filling.py      SlotFiller: slots, and the jobs that fill them
batch.py        ClipBatch, and its way to the device
stats.py        what a loader has done
loader.py       ClipLoader
"""
