"""The Local Cultural Education Partnerships: areas, members, stages, priorities."""
