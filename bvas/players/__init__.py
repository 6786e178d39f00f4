"""Players of a video: detected, tracked, each one's actions classified; results and corrections of them.

player_files.py    files of a folder of players, written and read
players_json.py    PlayersJson, PlayersRecord: content of players.json
players_result.py  PlayersResult: the players of one video with their tracks and actions
"""
