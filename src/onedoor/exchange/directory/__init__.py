"""The directory: signs and serves the configuration of a nation, and provisions a nation on one computer."""
