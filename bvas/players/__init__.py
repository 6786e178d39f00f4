"""Players of a video: detected, tracked, each one's actions classified; results and corrections of them.

corrections.py     edits by hand: players_corrections.json, and their application
edited_players.py  EditedPlayers: players while edits are applied
players_result.py  PlayersResult: the players of one video with their tracks and actions
rois.py            boxes drawn by hand: rois.json
"""
