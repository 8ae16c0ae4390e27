"""Networks as other programs have them: QONNX files, read and written with ``onnx`` alone."""
