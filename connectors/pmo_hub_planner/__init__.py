"""Microsoft Planner: basic plans of Microsoft 365 groups, through Microsoft Graph."""
