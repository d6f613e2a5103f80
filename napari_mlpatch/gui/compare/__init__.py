"""The stage: results as layers, the table, curves and views."""
