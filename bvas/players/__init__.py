"""Players of a video: detected, tracked, each one's actions classified; results and corrections of them.

players_result.py    PlayersResult: the players of one video with their tracks and actions
detect_video.py      detections of a video, at even distances in time
rois.py              Roi: a box drawn by hand, and the file of them
drawn_players.py     tracks that drawn boxes take
follow_players.py    drawn boxes followed without a detector
player_windows.py    windows of players: frames of whom are one clip
player_crops.py      crops of players in one pass over a video
classify_players.py  class of each window of each player
track_players.py     players of a video in one call
corrections.py       corrections by hand: merge, split, swap, name, remove, relabel
edited_players.py    the players while edits are applied to them
labelled_windows.py  windows whose action is known, and the choice of training clips
clip_dataset.py      data set of clips cut out of videos
player_files.py    files of a folder of players, written and read
players_json.py    PlayersJson, PlayersRecord: content of players.json
scored_players.py  results of players scored against true tracks and actions
"""
