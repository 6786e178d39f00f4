"""ONNX: export of trained models with a model card, spotting and classifying with ONNX Runtime.

export.py        writes the folder of an exported model
graphs.py        the two graphs of a spotting model, and their deviation from PyTorch
clip_graph.py    the graph of a classifier, and its deviation from PyTorch
int8.py          an encoder in int8, and its loss
model_card.py    the cards of exports and of uploaded weights, from a template and files on disk
model_folder.py  settings inside the files; opening a folder
onnx_engine.py   ONNX Runtime as the engine of the streaming algorithm
session.py       a session of one graph with one input and one output
spotter.py       the spotter of an exported model
classifier.py    the classifier of an exported model
"""
