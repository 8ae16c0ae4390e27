"""What lies in an ONNX file, and what its operators do to arrays. Nothing of it is trusted."""
