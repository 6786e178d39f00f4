"""Detection: boxes of players in single frames, by a network or from a file.

detector_protocol.py     Detector: what finds boxes in frames
onnx_detector.py         a detector that is an ONNX file
detector_description.py  description of its input and outputs
picture_fit.py           a picture fitted into the input, and boxes back into the picture
onnx_outputs.py          outputs as boxes: heat maps, boxes with scores, rows of YOLO
box_choice.py            threshold and non-maximum suppression
torchvision_detectors.py torchvision's detectors with published weights
detector_choice.py       a detector by name or file
detection_files.py       detections from files: MOT, tables, COCO
coco_detections.py       COCO's JSON
detection_rows.py        rows of a file, checked and gathered by frame
tiny_detector.py         small detector of our own: centers with sizes
labelled_frames.py       frames with true boxes, to train it on
tiny_training.py         its training
box_following.py         one drawn box followed by OpenCV, until it is lost
box_window.py            window around the box, in which it always has the same size
box_motion.py            shift and growth of the box by the flow of its points
box_colors.py            colors of the box and of what is around it
"""
