"""The operator's commands about an installation on AWS: deploy, init, doctor, leave."""
