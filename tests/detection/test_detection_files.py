import json

import numpy as np
import pytest

from bvas.detection.detection_files import read_detection_file
from bvas.errors import ConfigError, DataError
from bvas.video.index.video_index import build_index
from tests.video_samples import make_video

NUM_FRAMES = 10


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return build_index(make_video(tmp_path_factory.mktemp("v") / "game.mp4", num_frames=NUM_FRAMES))[0]


@pytest.fixture
def read(tmp_path, index):
    def read_text(name, content, **options):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return [
            (found.frame, round(found.seconds, 3), found.boxes.tolist(), found.scores.round(4).tolist())
            for found in read_detection_file(path, index, **options)
        ]

    return read_text


def result(image, *, category=1, box=(1, 2, 3, 4), score=0.5):
    return {"image_id": image, "category_id": category, "bbox": list(box), "score": score}


def dataset(names, boxes, categories=None):
    """A dataset with an image for each name, ids from 100, and annotations (image, box)."""
    content = {
        "images": [{"id": 100 + place, "file_name": name} for place, name in enumerate(names)],
        "annotations": [
            {
                "id": 1,
                "image_id": 100 + place,
                "category_id": category,
                "bbox": list(box),
                "area": 12,
                "iscrowd": 0,
            }
            for place, category, box in boxes
        ],
    }
    return content if categories is None else {**content, "categories": categories}


BOX = [1.0, 2.0, 3.0, 4.0]


def test_mot_frames_count_from_1(read):
    assert read("det.txt", "3,-1,1,2,3,4,0.5\n1,-1,5,6,7,8,0.25\n") == [
        (0, 0.0, [[5, 6, 7, 8]], [0.25]),
        (2, 0.08, [BOX], [0.5]),
    ]


def test_mot_text_in_a_csv_file_is_mot(read):
    assert read("det.csv", "3,-1,1,2,3,4,0.5\n") == [(2, 0.08, [BOX], [0.5])]


def test_a_table_has_frames_from_0(read):
    text = "frame,x,y,width,height,confidence\n2,1,2,3,4,0.5\n0,1,2,3,4,\n2,5,6,7,8,0.75\n"
    assert read("det.csv", text) == [(0, 0.0, [BOX], [1.0]), (2, 0.08, [BOX, [5, 6, 7, 8]], [0.5, 0.75])]


def test_times_of_a_table_are_those_of_the_nearest_frames(read):
    text = "seconds;x;y;width;height\n0,08;1;2;3;4\n0,201;1;2;3;4\n0,36;1;2;3;4\n"
    assert [frame for frame, *_ in read("det.txt", text)] == [2, 5, 9]


def test_two_times_of_one_frame_are_of_a_faster_video(read):
    with pytest.raises(
        DataError, match=r"line 4: 0.101 s and 0.12 s are both nearest to frame 3 .*make them"
    ):
        read(
            "det.csv",
            "seconds,x,y,width,height\n0,1,2,3,4\n0.101,1,2,3,4\n0.12,1,2,3,4\n",
        )


def test_players_csv_is_read_as_detections_without_the_confidence_of_actions(read):
    text = (
        "frame,seconds,player,name,x,y,width,height,label,confidence\n"
        "4,0.160,2,Ann,1,2,3,4,shoot,0.31\n4,0.160,3,,5,6,7,8,,\n"
    )
    assert read("players.csv", text) == [(4, 0.16, [BOX, [5, 6, 7, 8]], [1.0, 1.0])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "frame,x,y,width,height\n10,1,2,3,4\n",
            r"line 2: frame 10 \(from 0\) .* 10 frames; the file may be of anoth",
        ),
        ("frame,x,y,width,height\n-1,1,2,3,4\n", r"frame -1 \(from 0\) lies outside"),
        ("frame,x,y,width,height\n1.5,1,2,3,4\n", "frame is 1.5, and must be a whole number from 0"),
        ("frame,x,y,width,height\n1,1,2,0,4\n", r"the box is 1, 2, 0, 4 .*above 0"),
        ("frame,x,y,width,height,confidence\n1,1,2,3,4,95\n", r"confidence is 95, and must lie in \[0, 1\]"),
        (
            "seconds,x,y,width,height\n0.6,1,2,3,4\n",
            "0.6 s lies outside of the video, .* 0.400 s in 10 frames",
        ),
        ("frame,x,y,width\n1,1,2,3\n", "has no column height; name the columns"),
        ("x,y,width,height\n1,2,3,4\n", "has no column frame or seconds"),
    ],
)
def test_wrong_rows_of_a_table_are_named(read, text, message):
    with pytest.raises(DataError, match=message):
        read("det.csv", text)


def test_image_ids_count_from_0_where_0_is_there_and_from_1_where_the_last_is(read):
    assert [frame for frame, *_ in read("a.json", [result(0), result(4)])] == [0, 4]
    assert [frame for frame, *_ in read("b.json", [result(NUM_FRAMES), result(4)])] == [3, 9]


def test_image_ids_that_may_count_from_either_are_refused_unless_it_is_said(read):
    with pytest.raises(DataError, match=r"image ids of .* run from 2 to 4, and may count from 0 or from 1"):
        read("a.json", [result(2), result(4)])
    assert [frame for frame, *_ in read("a.json", [result(2)], first_image=0)] == [2]
    assert [frame for frame, *_ in read("a.json", [result(2)], first_image=1)] == [1]
    with pytest.raises(ConfigError, match="first_image must be 0 or 1, got 2"):
        read("a.json", [result(2)], first_image=2)


def test_a_dataset_takes_frames_from_the_last_number_of_file_names(read):
    boxes = [(2, 7, BOX), (0, 7, [5, 6, 7, 8])]
    names = ["cam2/img_000001.jpg", "cam2/img_000002.jpg", "cam2/img_000003.jpg"]
    assert read("d.json", dataset(names, boxes)) == [(0, 0.0, [[5, 6, 7, 8]], [1.0]), (2, 0.08, [BOX], [1.0])]
    names = ["img_0.jpg", "img_1.jpg", "img_2.jpg"]
    assert [frame for frame, *_ in read("d.json", dataset(names, boxes))] == [0, 2]


def test_categories_named_person_or_player_are_taken(read):
    boxes = [(0, 3, BOX), (1, 5, BOX), (2, 9, BOX)]
    categories = [{"id": 3, "name": "Player"}, {"id": 5, "name": "ball"}, {"id": 9, "name": "person"}]
    names = ["0.jpg", "1.jpg", "2.jpg"]
    assert [frame for frame, *_ in read("d.json", dataset(names, boxes, categories))] == [0, 2]
    categories = [{"id": 3, "name": "runner"}, {"id": 5, "name": "ball"}]
    with pytest.raises(DataError, match="none of the categories runner, ball is person or player"):
        read("d.json", dataset(names, boxes, categories))


def test_categories_without_names_are_coco_or_the_only_one(read):
    assert [frame for frame, *_ in read("a.json", [result(0), result(1, category=37)])] == [0]
    assert [frame for frame, *_ in read("a.json", [result(0, category=0), result(1, category=0)])] == [0, 1]
    with pytest.raises(DataError, match="the categories 0, 1 have no names, and are not COCO's own"):
        read("a.json", [result(0, category=0), result(1, category=1)])


def test_faults_of_coco_files_are_named_with_their_entries(read):
    content = [result(0), {"image_id": -1, "bbox": [1, 2, 3]}, {"bbox": BOX}]
    with pytest.raises(DataError) as caught:
        read("a.json", content)
    assert "entry 2: needs 'image_id', a whole number from 0 up, got -1" in str(caught.value)
    assert "entry 2: needs 'bbox', a list of four numbers, x, y, width, height, got [1, 2, 3]" in str(
        caught.value
    )
    assert "entry 3: needs 'image_id'" in str(caught.value)
    with pytest.raises(
        DataError, match=r"image 1: 'file_name' is 'first\.jpg', which has no number of a frame"
    ):
        read("d.json", dataset(["first.jpg"], [(0, 1, BOX)]))
    with pytest.raises(DataError, match="image_id is 105, and no image has this id"):
        read("d.json", dataset(["0.jpg"], [(5, 1, BOX)]))
    with pytest.raises(DataError, match=r"has frame 11, and the video has 10 frames; .* another rate"):
        read("a.json", [result(11)])
    with pytest.raises(DataError, match="needs 'images'"):
        read("d.json", {"annotations": []})


def test_a_file_without_detections_has_no_frames(read):
    assert read("a.json", []) == []
    assert read("det.txt", "") == []
    assert read("det.csv", "frame,x,y,width,height\n") == []


def test_all_forms_give_equal_boxes(read):
    rows = [(0, [1.5, 2, 3, 4], 0.5), (9, [5, 6, 7, 8.25], 0.75)]
    mot = "".join(f"{frame + 1},-1,{','.join(map(str, box))},{score}\n" for frame, box, score in rows)
    table = "".join(f"{frame},{','.join(map(str, box))},{score}\n" for frame, box, score in rows)
    coco = [result(frame, box=box, score=score) for frame, box, score in rows]
    found = read("det.txt", mot)
    assert found == read("det.csv", "frame,x,y,width,height,confidence\n" + table) == read("det.json", coco)
    assert np.array(found[1][2]).tolist() == [[5.0, 6.0, 7.0, 8.25]]


def test_images_of_two_videos_are_not_taken_for_one(read):
    with pytest.raises(
        DataError, match=r"image 2: 'file_name' is 'b/000001.jpg', and frame 1 is that of another"
    ):
        read("det.json", dataset(["a/000001.jpg", "b/000001.jpg"], [(0, 1, (1, 2, 3, 4))]))


def test_a_result_of_a_dataset_without_images_is_named(read):
    with pytest.raises(DataError, match="annotation 1: image_id is 100, and no image has this id"):
        read("det.json", dataset([], [(0, 1, (1, 2, 3, 4))]))


def test_digits_of_a_hash_are_not_a_frame(read):
    with pytest.raises(DataError, match="which has no number of a frame"):
        read("det.json", dataset(["0" * 5000 + ".jpg"], [(0, 1, (1, 2, 3, 4))]))
