"""Keys, certificates, signed PDF and their verification; no Django."""
