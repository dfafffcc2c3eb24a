"""MelGAN, as published and multi-band; `liveseq train melgan`, `liveseq import-melgan`."""
