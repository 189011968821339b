"""Holdfast against the reference server: the same bytes in, the same bytes out."""
