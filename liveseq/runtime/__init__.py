"""Models as the live server sees them: a manifest, an ONNX session, and the roles they play."""
