"""SmartRecruiters' REST API, as far as a partner uses it (integrations/smartrecruiters/README.md)."""
