"""The default vocoder: Vocos with clocks for its phases; `liveseq train vocoder`."""
