"""Synthetic matches with true labels: game, cameras, pictures, league.

config           settings and presets
play_record      simulated half as plain data
event_spacing    time between events
movement         player movement
pitch            state of the current frame
receivers        choice of the player who receives a ball
kicks            choice of kicks
restarts         restarts of a stopped game
game             game script of one half
camera           broadcast cameras and projection
shots            shot list: cuts, close-ups, replays
officials        referee, assistants, substitutes
bodies           body poses
lighting         changing light
staging          moment, camera and light of every frame
ground           fixed scenery
render           rendering of pictures
half_video       video of one half
workers          parallel writing of halves
league_files     folders and label files
league           all matches of a league
"""
