"""Forms that are made from declarations."""
