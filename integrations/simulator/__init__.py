"""Simulator of SmartRecruiters for development, demo and tests; README.md describes its control API."""
