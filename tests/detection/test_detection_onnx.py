import cv2
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from bvas.detection.detector_choice import load_detector
from bvas.errors import CheckpointError, ConfigError
from bvas.tracking.mot_files import read_mot
from tests.detection.onnx_samples import bright_spots_graph, constant_graph, described, echo_graph


def gray(size=(64, 96), value=0, count=1):
    return np.full((count, *size, 3), value, np.uint8)


def found(path, frames=None, **options):
    """The boxes of the first frame, rounded, and their scores."""
    boxes, scores = load_detector(path, device="cpu", **options).detect(gray() if frames is None else frames)[
        0
    ]
    return boxes.round(3).tolist(), scores.astype(float).round(3).tolist()


def array(rows):
    return np.array([rows], np.float32)


def test_a_bright_spot_is_a_person_where_it_is(tmp_path):
    model = described(
        bright_spots_graph(tmp_path / "spots.onnx"),
        input={"name": "rgb"},
        heatmap={"center": "center", "size": "scale", "stride": 4, "order": "yx"},
        threshold=0.5,
    )
    frame = gray()
    # Cell (row 3, column 5) of the input of 32 x 48 is 8 x 8 pixels of the picture of 64 x 96.
    frame[0, 24:32, 40:48] = 255
    # Its corner is (20, 12) in the input; the box there is 3 cells high and 2 wide; the picture is twice as large.
    assert found(model, frame) == ([[32.0, 12.0, 16.0, 24.0]], [1.0])
    # Height and width change places.
    described(
        model,
        input={"name": "rgb"},
        heatmap={"center": "center", "size": "scale", "stride": 4, "order": "xy"},
        threshold=0.5,
    )
    assert found(model, frame) == ([[28.0, 16.0, 24.0, 16.0]], [1.0])


@pytest.mark.parametrize("batch", [1, 3, "B"])
def test_boxes_do_not_depend_on_the_batch(tmp_path, batch):
    model = described(
        bright_spots_graph(tmp_path / "spots.onnx", batch=batch),
        heatmap={"center": "center", "size": "scale", "stride": 4},
        threshold=0.02,
    )
    frames = np.random.default_rng(0).integers(0, 255, (4, 64, 96, 3), dtype=np.uint8)
    detector = load_detector(model, device="cpu")
    together = detector.detect(frames)
    alone = [detector.detect(frame[None])[0] for frame in frames]
    assert all(len(boxes) > 5 for boxes, _ in together)
    for (boxes, scores), (boxes_alone, scores_alone) in zip(together, alone, strict=True):
        assert np.array_equal(boxes, boxes_alone)
        assert np.array_equal(scores, scores_alone)


def test_detr_boxes_are_fractions_of_the_picture(tmp_path):
    # Logits 0 and 2 of class 1; softmax and sigmoid of them differ.
    boxes, logits = array([[0.5, 0.5, 0.25, 0.5], [0.25, 0.5, 0.1, 0.1]]), array([[9, 2.0], [9, 0.0]])
    model = constant_graph(tmp_path / "detr.onnx", {"dets": boxes, "labels": logits})
    described(
        model,
        boxes={
            "boxes": "dets",
            "scores": "labels",
            "form": "cxcywh",
            "units": "fraction",
            "activation": "sigmoid",
        },
        person=1,
        threshold=0.6,
    )
    assert found(model) == ([[36.0, 16.0, 24.0, 32.0]], [0.881])


def test_a_detector_with_nms_inside_has_scores_in_the_last_column_and_labels(tmp_path):
    rows = array([[4, 8, 12, 24, 0.9], [0, 0, 8, 8, 0.8], [8, 8, 16, 16, 0.2]])
    labels = np.array([[0, 1, 0]], np.int64)
    model = constant_graph(tmp_path / "rtmdet.onnx", {"dets": rows, "labels": labels})
    described(model, boxes={"boxes": "dets", "labels": "labels", "form": "xyxy"})
    # The picture is twice as large as the input of 32 x 48.
    assert found(model) == ([[8.0, 16.0, 16.0, 32.0]], [0.9])
    assert found(model, threshold=0.1)[1] == [0.9, 0.2]


def test_a_second_input_takes_width_and_height_of_the_input(tmp_path):
    model = constant_graph(
        tmp_path / "dfine.onnx", {"boxes": array([[1, 2, 3, 4, 0.9]])}, sizes="orig_target_sizes"
    )
    described(model, input={"name": "images", "size_input": "orig_target_sizes"}, boxes={"boxes": "boxes"})
    detector = load_detector(model, device="cpu")
    answers = detector._session.run(
        {"images": np.zeros((1, 3, 32, 48), np.float32), "orig_target_sizes": np.array([[48, 32]])}
    )
    assert answers["sizes"].tolist() == [[48, 32]]
    assert found(model) == ([[2.0, 4.0, 4.0, 4.0]], [0.9])
    described(model, boxes={"boxes": "boxes"})
    with pytest.raises(ConfigError, match="has more inputs: orig_target_sizes; name the one"):
        load_detector(model, device="cpu")


def test_rows_are_multiplied_by_objectness_and_suppressed(tmp_path):
    rows = array(
        [[20, 16, 8, 16, 0.5, 0.1, 0.9], [21, 16, 8, 16, 0.8, 0.1, 1.0], [40, 16, 8, 16, 1.0, 0.0, 0.5]]
    )
    model = constant_graph(tmp_path / "yolo.onnx", {"output": rows})
    about = {"rows": {"name": "output", "objectness": True}, "person": 1, "threshold": 0.3}
    described(model, **about, nms_overlap=0.5)
    assert found(model) == ([[34.0, 16.0, 16.0, 32.0], [72.0, 16.0, 16.0, 32.0]], [0.8, 0.5])
    described(model, **about)
    assert found(model)[1] == [0.8, 0.5, 0.45]
    described(model, **about, most=1)
    assert found(model)[1] == [0.8]


def test_transposed_rows_are_read_by_columns(tmp_path):
    rows = np.array([[20.0, 16, 8, 16, 0.9], [40, 16, 8, 16, 0.1]], np.float32)
    model = constant_graph(tmp_path / "yolov8.onnx", {"output0": rows.T[None].copy()})
    described(model, rows={"name": "output0", "transposed": True})
    assert found(model) == ([[32.0, 16.0, 16.0, 32.0]], [0.9])


def test_rows_of_yolox_are_decoded_on_their_grids(tmp_path):
    # 32 x 48 with strides 16 and 32: 2 x 3 cells, then 1 x 1.
    rows = np.zeros((1, 7, 6), np.float32)
    rows[0, 4] = [0.5, 0.25, 0.0, np.log(2), 1.0, 0.9]  # the second row's second cell
    rows[0, 6] = [0.5, 0.5, 0.0, 0.0, 1.0, 0.8]
    model = constant_graph(tmp_path / "yolox.onnx", {"output": rows})
    about = {"name": "output", "objectness": True, "yolox_strides": [16, 32]}
    described(model, rows=about, threshold=0.3)
    # (1.5, 1.25) * 16 = (24, 20), 16 x 32; (0.5, 0.5) * 32 = (16, 16), 32 x 32; twice as large in the picture.
    assert found(model) == ([[32.0, 8.0, 32.0, 64.0], [0.0, 0.0, 64.0, 64.0]], [0.9, 0.8])
    described(model, rows={**about, "yolox_strides": [8, 16]})
    with pytest.raises(ConfigError, match=r"7 rows, and strides 8, 16 of an input of 32 x 48 give 30"):
        found(model)


@pytest.mark.parametrize(
    ("fit", "left", "top"), [("pad-corner", 0, 0), ("pad-center", 0, 4), ("stretch", 0, 0)]
)
def test_padding_is_taken_off_the_boxes(tmp_path, fit, left, top):
    # A picture of 48 x 96 in an input of 32 x 48: scaled by half to 24 x 48, 8 rows are left over.
    box = [left + 4, top + 6, left + 16, top + 18, 0.9]
    model = constant_graph(tmp_path / "boxes.onnx", {"dets": array([box])})
    described(model, input={"fit": fit}, boxes={"boxes": "dets"})
    boxes, _ = found(model, gray((48, 96)))
    assert boxes == ([[8.0, 9.0, 24.0, 18.0]] if fit == "stretch" else [[8.0, 12.0, 24.0, 24.0]])


def test_a_picture_is_given_as_the_description_says(tmp_path):
    model = echo_graph(tmp_path / "echo.onnx")
    about = {
        "values": "0..1",
        "mean": [0.5, 0.25, 0.0],
        "std": [0.5, 1, 2],
        "channels": "bgr",
        "fit": "pad-center",
    }
    described(model, input={**about, "padding": 51}, boxes={"boxes": "echo"})
    detector = load_detector(model, device="cpu")
    frame = np.zeros((4, 12, 3), np.uint8)
    frame[:] = (255, 102, 0)  # red, green, blue
    from bvas.detection.picture_fit import plan_input

    plan = plan_input((4, 12), detector.size, "pad-center")
    given = detector._prepared(plan.apply(frame, 51)[None])
    assert given.dtype == np.float32
    assert given.shape == (1, 3, 8, 12)
    # Blue, green, red in [0, 1], less the mean, by the deviation.
    assert given[0, :, 4, 5] == pytest.approx([(0 - 0.5) / 0.5, 0.4 - 0.25, 1 / 2])
    # Two rows of padding above and below: 51 / 255 = 0.2.
    assert given[0, :, 1, 5] == pytest.approx([(0.2 - 0.5) / 0.5, 0.2 - 0.25, 0.2 / 2])


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_whole_and_half_numbers_are_given_where_the_graph_takes_them(tmp_path, dtype):
    model = constant_graph(
        tmp_path / "m.onnx", {"dets": array([[0, 0, 4, 8, 0.9]])}, shape=(1, 32, 48, 3), dtype=dtype
    )
    described(model, input={"layout": "NHWC"}, boxes={"boxes": "dets"})
    assert found(model) == ([[0.0, 0.0, 8.0, 16.0]], [0.9])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"boxes": {"boxes": "detections"}},
            "has no output 'detections'; it has dets: correct the description",
        ),
        ({"input": {"name": "rgb"}, "boxes": {"boxes": "dets"}}, "has no input 'rgb'; it has images"),
        (
            {"input": {"size": [64, 48]}, "boxes": {"boxes": "dets"}},
            "is 32 x 48, and the description says 64 x 48",
        ),
        (
            {"input": {"layout": "NHWC"}, "boxes": {"boxes": "dets"}},
            "not 3 channels as NHWC; correct 'layout'",
        ),
        ({"boxes": {"boxes": "dets", "scores": "dets"}}, "has 5 columns, and 4 are expected beside 'scores'"),
        ({"rows": {"name": "dets"}, "person": 1}, "has 1 classes, and the class of persons is 1"),
        (
            {"heatmap": {"center": "dets", "size": "dets"}},
            r"has the shape \[1, 5\], and \[classes, rows, columns\]",
        ),
    ],
)
def test_a_description_that_does_not_fit_the_graph_is_refused_by_name(tmp_path, content, message):
    model = constant_graph(tmp_path / "m.onnx", {"dets": array([[0, 0, 4, 8, 0.9]])})
    described(model, **content)
    with pytest.raises(ConfigError, match=message):
        found(model)


def test_an_input_of_any_size_needs_one_in_the_description(tmp_path):
    model = constant_graph(
        tmp_path / "m.onnx", {"dets": array([[0, 0, 4, 8, 0.9]])}, shape=("B", 3, "H", "W")
    )
    described(model, boxes={"boxes": "dets"})
    with pytest.raises(ConfigError, match="takes pictures of any size; give 'size'"):
        load_detector(model, device="cpu")
    described(model, input={"size": [32, 48]}, boxes={"boxes": "dets"})
    assert found(model) == ([[0.0, 0.0, 8.0, 16.0]], [0.9])


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no detector at .*none\.onnx"):
        load_detector(tmp_path / "none.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"not a graph")
    with pytest.raises(ConfigError, match=r"has no description.*damaged\.json"):
        load_detector(damaged)
    described(damaged, boxes={"boxes": "dets"})
    with pytest.raises(CheckpointError, match=r"cannot load .*damaged\.onnx"):
        load_detector(damaged, device="cpu")


def test_movenet_gives_the_boxes_that_were_published_with_the_file(shared_data):
    held = read_mot(shared_data / "tracking" / "basketball_detections.txt")
    # Known by its name: no description lies beside it.
    detector = load_detector(shared_data / "tracking" / "movenet_multipose.onnx", device="cpu")
    # The boxes were made from OpenCV's pictures, whose colors differ a little from ours.
    video = cv2.VideoCapture(str(shared_data / "videos" / "test_video_structuralize.mp4"))
    seen = 0
    for frame in range(60):
        picture = np.ascontiguousarray(video.read()[1][..., ::-1])
        if frame % 12:
            continue
        boxes, scores = detector.detect(picture[None])[0]
        rows = held.frames == frame
        order = np.argsort(-held.confidences[rows], kind="stable")
        assert np.abs(boxes - held.boxes[rows][order]).max() <= 0.0051
        assert np.abs(scores - held.confidences[rows][order]).max() <= 0.00006
        seen += len(boxes)
    assert seen >= 8
