"""Labelled videos to batches of clips on the device.

labelled_video.py     LabelledVideo: a video with its annotations on the grid
targets.py            targets of a clip
sampling.py           center frames and frame shake of an epoch's clips
weighting.py          sampling weights: rare labels and hard negatives
clip_requests.py      TrainingClips, FixedClips: the clips of an epoch as plain data
class_clips.py        ClassTrainingClips, ClassTestClips: clips of samples with one class each
rank_shards.py        division of an epoch among ranks
read_plan.py          clips grouped by keyframe interval, and the shuffle buffer
slot_counts.py        sizes of buffer, jobs and slots
epoch_order.py        EpochOrder: jobs and batches of an epoch
read_jobs.py          Clip, ReadJob, ReadResult: what parent and worker exchange
worker_pool.py        WorkerPool: worker processes with deadlines and restarts
job_queue.py          JobQueue: rules for jobs that fail
worker_process.py     start of a worker process
worker.py             main loop of a worker process
open_videos.py        OpenVideos: a worker's open videos, and the reading of jobs
in_process_runner.py  InProcessRunner: the same work without processes
runner_start.py       JobRunner: what does jobs, and its start
worker_counts.py      numbers of workers of each backend
shared_slots.py       SharedFrames: slots in shared host memory
device_fit.py         DeviceFit: frames of the source's size scaled on the device, or in arrays
device_slots.py       DeviceFrames: slots in GPU memory
slot_filling.py       SlotFiller: jobs of an epoch into slots
skip_policy.py        SkipPolicy: damaged clips
clip_batch.py         ClipBatch, and its copy to the device
array_batch.py        ArrayBatch: a batch without PyTorch
loader_stats.py       LoaderStats
loader.py             ClipLoader
kept_batches.py       KeptClips: validation batches kept in memory
"""
