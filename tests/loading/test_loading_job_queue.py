from pathlib import Path

import pytest
from loading_videos import read_job

from bvas.errors import DecodeError, WorkerError
from bvas.loading.job_queue import JobQueue
from bvas.loading.read_jobs import Failure, ReadResult

A, B = Path("a.mp4"), Path("b.mp4")


def job(number, path=A, chain=None):
    return read_job(number, [number], range(3), path=path, chain=chain)


def failed(number, kind, error=None, path=A):
    error = error or DecodeError(f"no {kind}", path=path, lost=range(3, 4) if kind == "damaged" else None)
    return ReadResult(number, Failure(error, kind, ""))


def taken(queue, worker):
    found = queue.take(worker, worker.rsplit("-", 1)[0])
    return found and found.job_id


@pytest.fixture
def queue():
    return JobQueue(["nvdec", "opencv", "pyav"])


def test_jobs_go_out_in_order_and_urgent_ones_before_the_others(queue):
    queue.put([job(1), job(2)])
    queue.put([job(3), job(4)], first=True)
    assert [taken(queue, "pyav-0") for _ in range(5)] == [3, 4, 1, 2, None]


def test_a_refused_file_is_not_given_to_that_backend_again(queue):
    queue.put([job(1), job(2), job(3, B)])
    assert taken(queue, "opencv-0") == 1
    assert queue.settle(job(1), "opencv", failed(1, "refused")) == []
    assert taken(queue, "opencv-0") == 3
    assert taken(queue, "pyav-0") == 1
    assert queue.moved == 0


def test_a_file_that_all_refuse_is_an_error_with_the_reason_of_each(queue):
    queue.put([job(1), job(2)])
    for backend in ("nvdec", "opencv"):
        assert taken(queue, f"{backend}-0") == 1
        assert queue.settle(job(1), backend, failed(1, "refused")) == []
    assert taken(queue, "pyav-0") == 1
    results = queue.settle(job(1), "pyav", failed(1, "refused"))
    assert [result.job_id for result in results] == [1, 2]
    text = str(results[1].failure.error)
    assert "no worker reads a.mp4: nvdec: no refused; opencv: no refused; pyav: no refused" in text
    assert 'workers={"pyav": 2}' in text
    # The next time nobody is asked.
    assert [result.job_id for result in queue.put([job(7), job(8, B)])] == [7]
    assert taken(queue, "pyav-0") == 8


def test_one_backend_alone_gives_its_own_reason_each_time():
    queue = JobQueue(["opencv"])
    first = queue.settle(job(1), "opencv", failed(1, "refused"))
    again = queue.put([job(2)])
    assert str(first[0].failure.error) == str(again[0].failure.error) == "no refused"
    assert first[0].failure.error is not again[0].failure.error


def test_a_read_that_a_gpu_fails_at_is_moved_alone_and_counted(queue):
    queue.put([job(1), job(2)])
    assert taken(queue, "nvdec-0") == 1
    assert queue.settle(job(1), "nvdec", failed(1, "unread", RuntimeError("CUDA out of memory"))) == []
    assert queue.moved == 1
    assert taken(queue, "nvdec-0") == 2  # of the same file
    assert taken(queue, "nvdec-1") is None
    assert taken(queue, "opencv-0") == 1


def test_a_read_that_all_fail_at_is_an_error_that_names_file_and_reasons():
    queue = JobQueue(["nvdec", "opencv"])
    assert queue.settle(job(1), "nvdec", failed(1, "unread", RuntimeError("CUDA out of memory"))) == []
    (result,) = queue.settle(job(1), "opencv", failed(1, "refused"))
    assert isinstance(result.failure.error, DecodeError)
    assert "a.mp4: opencv: no refused; nvdec: CUDA out of memory" in str(result.failure.error)


def test_damage_is_what_the_reference_says_it_is(queue):
    assert queue.settle(job(1), "opencv", failed(1, "damaged")) == []
    assert queue.moved == 1
    assert taken(queue, "nvdec-0") is None
    assert taken(queue, "pyav-0") == 1
    (result,) = queue.settle(job(1), "pyav", failed(1, "damaged"))
    assert result.failure.kind == "damaged"


def test_damage_is_final_where_there_is_no_reference():
    queue = JobQueue(["nvdec", "opencv"])
    (result,) = queue.settle(job(1), "nvdec", failed(1, "damaged"))
    assert result.failure.kind == "damaged"
    assert queue.moved == 0


def test_the_job_of_a_dead_worker_is_next_and_the_third_death_is_an_error(queue):
    queue.put([job(1), job(2)])
    for number in range(2):
        assert taken(queue, "pyav-0") == 1
        assert queue.strike(job(1), f"died {number}") == []
    assert taken(queue, "pyav-0") == 1
    (result,) = queue.strike(job(1), "gave no result")
    assert isinstance(result.failure.error, WorkerError)
    assert str(result.failure.error) == (
        "3 workers ended while loading clip at frame 10 of a.mp4: died 0; died 1; gave no result"
    )
    assert taken(queue, "pyav-0") == 2


def test_a_chain_waits_for_its_worker_as_long_as_that_lives(queue):
    queue.put([job(1, chain=5), job(2, chain=5), job(3)])
    assert taken(queue, "pyav-0") == 1
    assert taken(queue, "pyav-1") == 3
    assert taken(queue, "pyav-1") is None
    queue.forget_worker("pyav-0")
    assert taken(queue, "pyav-1") == 2


def test_a_chain_leaves_a_worker_that_cannot_go_on_with_it(queue):
    queue.put([job(1, chain=5), job(2, chain=5)])
    assert taken(queue, "opencv-0") == 1
    queue.settle(job(1, chain=5), "opencv", failed(1, "refused"))
    assert [taken(queue, "pyav-0"), taken(queue, "pyav-0")] == [1, 2]


def test_cancelled_jobs_are_forgotten(queue):
    queue.put([job(1), job(2, chain=5)])
    assert [j.job_id for j in queue.cancel()] == [1, 2]
    assert taken(queue, "pyav-0") is None
