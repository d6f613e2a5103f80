"""The tabs beside the table: one file for each, see ``compare.view.Plot``."""
