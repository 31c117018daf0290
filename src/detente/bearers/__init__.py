"""Bearers carry frames between two stations and know nothing of what stands in them."""
