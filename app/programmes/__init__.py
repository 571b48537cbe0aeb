"""What partnerships plan and do: programmes, milestones, outcomes, budgets."""
