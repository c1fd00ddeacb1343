"""Face models: catalogue, conversion to ONNX, detector, landmarks, alignment, embedders, liveness, and their engine."""
