"""Learning and measuring: corpora in, artefact and honest figures out. The only place that knows scikit-learn."""
