"""The views: one file for each, see ``compare.view.View``."""
