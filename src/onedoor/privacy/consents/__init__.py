"""Consents: what persons agreed to and withdrew, kept at the portal, asked by who holds a register."""
