"""Ragged batches of fixed shapes, and buckets of padded graphs."""
