"""Planner Premium and Project for the web: plans kept in Microsoft Dataverse."""
