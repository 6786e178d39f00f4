"""Players of a video: detected, tracked, each one's actions classified; results and corrections of them.

players_result.py    PlayersResult: the players of one video with their tracks and actions
detect_video.py      detections of a video, at even distances in time
player_windows.py    windows of players: frames of whom are one clip
player_crops.py      crops of players in one pass over a video
classify_players.py  class of each window of each player
"""
