"""The stock way: what a vendor writes for this endpoint with DRF and the toolkit alone, one insert per order."""
