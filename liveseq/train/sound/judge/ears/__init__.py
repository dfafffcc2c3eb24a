"""Published ears: networks that nobody here trained, which hear notes and instruments in a take.

Both lie beside this module as ONNX files: basic-pitch 0.4.0 (Apache-2.0) as it comes in its wheel, musicnn 0.1.0 (ISC)
converted by `python -m liveseq.train.sound.judge.ears.convert`. LICENSES.md has the terms of both.
"""
