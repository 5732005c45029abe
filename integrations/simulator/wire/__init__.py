"""Validators of the protocol (integrations/smartrecruiters/README.md). Each returns a list of problems."""
