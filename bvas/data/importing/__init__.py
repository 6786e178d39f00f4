"""Import of other formats as drafts of matches, and the writer of `dataset.json`.

draft.py             drafts of matches from other formats, and the writer of `dataset.json`
from_corrections.py  import of `corrections.json`, which the page of `bvas report` saves
from_csv.py          import of tables with a line for each annotation: video, label, seconds or frame, and more
from_e2e_spot.py     import of E2E-Spot's `{train,val,test}.json` and `class.txt`
from_osl.py          import of OSL JSON: each sample with a video is a match, or a half of one
from_soccernet.py    import of SoccerNet's layouts: two videos a match (2023, Action Spotting) or one (2024, 2025)
merging.py           merge of corrected matches into an existing data root
"""
