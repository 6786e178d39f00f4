"""Video of one half: simulation, camera, rendering, encoding."""

from pathlib import Path

from bvas.synthetic.camera import follow_ball
from bvas.synthetic.config import SyntheticConfig
from bvas.synthetic.game import play_half
from bvas.synthetic.lighting import Light
from bvas.synthetic.officials import with_officials
from bvas.synthetic.play_record import Play, PlayEvent
from bvas.synthetic.render import Renderer
from bvas.synthetic.shots import Shot, plan_shots
from bvas.synthetic.staging import Staging, stage
from bvas.synthetic.tone import SAMPLE_RATE, tone_of
from bvas.system.jobs.job import Worker
from bvas.video.encode.video_writer import VideoWriter

_CODING_QUALITY = 20
_REPORT_EVERY = 50
# Streams of random numbers of a match: the draws of one never shift those of another.
_PLAY, _CAMERA, _LOOK, _NOISE, _CUTS, _WEATHER, _EXPOSURE, _COLORS = range(8)


def simulate_half(config: SyntheticConfig, match_number: int, half: int) -> Play:
    """Simulate a half: the 22 players as they moved, whatever the cameras show.

    The same config, match and half give the same result.
    """
    return play_half(
        config.play,
        seed=(config.seed, match_number, half, _PLAY),
        num_frames=config.frames_per_half,
        rate=config.rate,
        home_sign=1 if half == 1 else -1,
    )


def film_half(config: SyntheticConfig, match_number: int, half: int, play: Play | None = None) -> Staging:
    """Simulate a half, and place its cameras.

    The same config, match and half give the same result. So true labels, positions and poses are available at
    any time, also for challenge matches, which have no label file.

    Args:
        config: The league.
        match_number: From 0, challenge matches last.
        half: 1 or 2.
        play: What `simulate_half` returns; None simulates it.
    """
    seed = (config.seed, match_number, half)
    play = simulate_half(config, match_number, half) if play is None else play
    path = follow_ball(play, config.scene, size=config.size, seed=(*seed, _CAMERA))
    if config.broadcast:
        shots = plan_shots(play, (*seed, _CUTS))
        match_seed = (config.seed, match_number, _WEATHER)
        light = Light(play, match_seed=match_seed, half_seed=(*seed, _EXPOSURE))
        return stage(with_officials(play), path, shots, light)
    play = with_officials(play) if config.task == "action" else play
    return stage(play, path, (Shot(start=0, stop=play.num_frames, kind="main"),), None)


def half_renderer(config: SyntheticConfig, match_number: int, half: int) -> Renderer:
    """Return the renderer of a half."""
    return Renderer(
        film_half(config, match_number, half),
        config.scene,
        look_seed=(config.seed, match_number, _LOOK),
        noise_seed=(config.seed, match_number, half, _NOISE),
        color_seed=(config.seed, match_number, _COLORS),
    )


def write_half(
    config: SyntheticConfig, match_number: int, half: int, path: Path, worker: Worker
) -> tuple[PlayEvent, ...]:
    """Write the video of a half, and return the events of its task.

    Args:
        config: The league.
        match_number: From 0, challenge matches last.
        half: 1 or 2.
        path: File of the video.
        worker: Takes the number of frames written so far, now and then.

    Raises:
        DataError: the disk is full or the folder not writable; nothing of the video remains.
    """
    renderer = half_renderer(config, match_number, half)
    with VideoWriter(
        path,
        size=config.size,
        rate=config.rate,
        codec=config.codec,
        keyframe_interval=config.keyframe_interval,
        crf=_CODING_QUALITY,
        sound_rate=SAMPLE_RATE if config.sound else None,
    ) as writer:
        pictures = renderer.color_frames() if config.color else ((luma,) for luma in renderer.frames())
        second = 0
        for number, planes in enumerate(pictures, start=1):
            writer.write(*planes)
            if config.sound and number > second * config.rate:
                left = (renderer.num_frames / config.rate - second) * SAMPLE_RATE
                writer.write_sound(tone_of(second)[: round(left)])
                second += 1
            if number % _REPORT_EVERY == 0:
                worker.progress(number, renderer.num_frames)
    worker.progress(renderer.num_frames, renderer.num_frames)
    play = renderer.staging.play
    return play.incidents if config.task == "action" else play.events
