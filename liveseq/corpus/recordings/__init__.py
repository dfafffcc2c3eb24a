"""Recordings in a folder: found, compared with a corpus, tagged."""
