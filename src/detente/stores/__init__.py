"""Stores: durable homes of notes, books, heads, receipts and findings, each keeping `contracts.Store`."""
