"""Training of the GAN: blocks of a dataset, networks, losses, the loop, and the model folder."""
