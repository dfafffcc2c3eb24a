"""VAE: tiles of frames, each out of one latent, under a prior of Gaussians that tags choose."""
