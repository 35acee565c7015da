"""How the autoscaling policies of `deploy/aws` behave, simulated: `make simulate`."""
