"""Publish and subscribe: a system tells others that something happened."""
