"""Contents of sound files, found out from their bytes: what is held, and where headers say otherwise. Pure."""
