"""Synthetic matches, recordings and clips with true labels: game, cameras, pictures, files.

config.py         settings and presets
play_record.py    simulated half as plain data
event_spacing.py  time between events
movement.py       player movement
pitch.py          state of the current frame
receivers.py      choice of the player who receives a ball
kicks.py          choice of kicks
restarts.py       restarts of a stopped game
game.py           game script of one half
camera.py         broadcast cameras and projection
shots.py          shot list: cuts, close-ups, replays
officials.py      referee, assistants, substitutes
bodies.py         body poses
lighting.py       changing light
staging.py        moment, camera and light of every frame
canvas.py         luma and chroma, drawn together
kits.py           colors of shirts, shorts, legs and heads
ground.py         fixed scenery
figure_shape.py   widths of a drawn figure
render.py         rendering of pictures
writing_jobs.py   folder of a set of videos, and the jobs that write them
tone.py           sound whose pitch codes the second
half_video.py     video of one half
league_files.py   folders and label files
league.py         all matches of a league
player_boxes.py   true boxes of the players
player_actions.py true action of each player in each frame
player_truth.py   their files beside the videos
presence.py       recordings of an empty pitch with a player now and then
presence_files.py their videos and dataset.json
clip_config.py    settings, labels and proportions of action clips
clip_actions.py   actions of one player, staged on demand
clips.py          clips of a match, followed by a camera
clip_files.py     their videos, joints and label files
"""
