"""Words: what a text is made of, and what is known of the things it names. Pure: no model, no corpus."""
