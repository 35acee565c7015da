"""A generative adversarial network over piano rolls of several tracks, in the manner of MuseGAN (Dong et al., 2018)."""
