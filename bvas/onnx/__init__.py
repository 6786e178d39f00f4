"""Models that left PyTorch: two ONNX files with all that spotting needs to know, and a card."""
