"""Care of sinograms before they are reconstructed: one step a file, see ``step.Step``."""
