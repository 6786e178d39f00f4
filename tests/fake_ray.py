"""The calls of Ray that the executor makes, on actors that follow a script: no Ray, no process."""

import pickle
from types import SimpleNamespace

from bvas.system.jobs.job import Worker, run_job
from bvas.system.jobs.ray_actor import Hello

VERSIONS = {"Python": "3.12.1", "Ray": "2.60.0", "bvas": "0.1.0"}


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause):
        super().__init__(f"Traceback of {cause}")
        self.cause = cause


class FakeRay:
    """A cluster whose actors do what `plans` say, in the order in which actors are asked for.

    A plan is a list of answers: to `hello`, then to each `begin` and `messages`. An exception is raised, None never
    comes. Behind its plan an actor runs its job at once.
    """

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, *plans):
        self._plans = list(plans)
        self.actors = []
        self.options = []
        self.is_shut_down = False

    def remote(self, **options):
        self.options.append(options)

        def make(actor_class):
            return SimpleNamespace(remote=self._new_actor)

        return make

    def _new_actor(self, *arguments):
        actor = FakeActor(self._plans.pop(0) if self._plans else [])
        self.actors.append(actor)
        return actor

    def wait(self, refs, *, timeout):
        # A real one lets time pass.
        ready = [ref for ref in refs if ref.answer is not None]
        return ready[:1], refs

    def get(self, ref):
        if isinstance(ref.answer, BaseException):
            raise ref.answer
        return ref.answer

    def kill(self, actor):
        actor.is_killed = True

    def shutdown(self):
        self.is_shut_down = True


class FakeActor:
    def __init__(self, plan):
        self._plan = list(plan)
        self._kept = {}
        self.is_killed = False
        self.jobs = []
        self.hello = SimpleNamespace(remote=lambda probes: self._next(greeting))
        self.begin = SimpleNamespace(remote=self._begin)
        self.messages = SimpleNamespace(remote=lambda: self._next(self._end))

    def _begin(self, job, num_workers):
        self.jobs.append((job, num_workers))
        return self._next(self._end)

    def _end(self):
        job, num_workers = self.jobs[-1]
        worker = Worker(device="cpu", num_workers=num_workers, kept=self._kept, progress=lambda *report: None)
        return [run_job(pickle.loads(pickle.dumps(job)), worker)]

    def _next(self, otherwise):
        return _Ref(self._plan.pop(0) if self._plan else otherwise())


class _Ref:
    def __init__(self, answer):
        self.answer = answer


def greeting(host="node", **versions):
    return Hello(host, {**VERSIONS, **versions})
