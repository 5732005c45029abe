"""SmartRecruiters as the portal's client. Every URL it calls is one of the published configuration."""
