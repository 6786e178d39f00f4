"""Prediction of many matches: segments of videos as jobs, and the results of each match from its segments.

many_matches.py    all matches on one or several devices: the way in
samples.py         the samples of kind clip, by models that have not seen them
schedule.py        the jobs of match after match, and the ends of the jobs
match.py           one match: known videos, and its results from its segments
segments.py        segments of a video, their files, and the job that computes them
segment_plan.py    which segments this process computes, and in which jobs
prepared_video.py  index, grid and hash of a video before its prediction
finished.py        results of the weights, settings and videos as they are now
assignments.py     which models predict which match, and where its results go
manifest.py        lists of matches and videos
settings.py        settings of a prediction
failures.py        list of failed matches
progress.py        frames over all videos
"""
