"""The Jira connector: reads Jira Cloud, and brings a simulated one to be tried on."""
