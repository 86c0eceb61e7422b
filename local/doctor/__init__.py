"""`persevere doctor`: one small function a check, each with a finding and its fix."""
