"""Players of a video: detected, tracked, each one's actions classified; results and corrections of them.

players_result.py  PlayersResult: the players of one video with their tracks and actions
scored_players.py  results of players scored against true tracks and actions
"""
