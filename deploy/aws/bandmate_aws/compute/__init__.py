"""The ECS cluster, its services, their load balancer and their scaling."""
