"""The job runner: folds, stretches of videos and synthetic halves run as jobs, on one executor or another.

job.py              a job, the worker that it runs in, how it ended, and the protocol of an executor
runner.py           the loop that hands jobs to an executor and retries those whose worker was killed
in_process.py       executor without processes, for one device
processes.py        executor with a spawned process for each device
ray_executor.py     executor with an actor of a Ray cluster for each worker
ray_actor.py        the actor: runs a job, and tells what it says
ray_cluster.py      connection to a Ray cluster
child_processes.py  spawned processes that Ctrl-C does not reach and that end with their parent
"""
