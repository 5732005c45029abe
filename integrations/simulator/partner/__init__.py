"""SmartRecruiters as a client of the portal. Every URL comes from the published partner configuration."""
