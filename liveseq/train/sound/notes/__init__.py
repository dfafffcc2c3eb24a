"""Notes: latents of mel frames one after the other, by a transformer with a flow-matching head."""
