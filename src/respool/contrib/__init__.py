"""Parts for frameworks."""
