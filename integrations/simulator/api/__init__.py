"""SmartRecruiters' REST API, as far as a partner calls it."""
