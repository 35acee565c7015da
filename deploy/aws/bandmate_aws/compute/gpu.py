"""EC2 instances with one GPU each, for generate workers whose model wants one. None runs while no task is wanted."""

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from bandmate_aws.foundations.parts import Parts

INSTANCES = ("g6.xlarge", "g5.xlarge", "g4dn.xlarge", "g6.2xlarge", "g5.2xlarge")
"""One GPU each, at least 4 vCPU and 16 GiB. Several kinds, because a single one is often sold out, spot above all."""
DISK_GIB = 100
WARM_UP_SECONDS = 180


def gpu_capacity(scope: Construct, parts: Parts, cluster: ecs.Cluster) -> ecs.AsgCapacityProvider:
    """An Auto Scaling group that ECS scales itself, from zero to as many instances as tasks may be wanted."""
    size = parts.size
    role = iam.Role(
        scope,
        "GpuInstanceRole",
        assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),  # What the ECS agent needs is added with the capacity.
    )
    agent = ec2.UserData.for_linux()
    agent.add_commands(
        # Containers get their task's role, never the instance's.
        "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",
        # Two minutes' notice: stop tasks properly.
        "echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config",
    )
    template = ec2.LaunchTemplate(
        scope,
        "GpuTemplate",
        machine_image=ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.GPU),
        security_group=parts.network.tasks,
        role=role,
        user_data=agent,
        require_imdsv2=True,
        http_put_response_hop_limit=1,
        detailed_monitoring=True,
        block_devices=[
            ec2.BlockDevice(
                device_name="/dev/xvda",
                volume=ec2.BlockDeviceVolume.ebs(
                    DISK_GIB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3, delete_on_termination=True
                ),
            )
        ],
    )
    on_demand = round(100 * (1 - size.spot_share))
    group = autoscaling.AutoScalingGroup(
        scope,
        "GpuInstances",
        vpc=parts.network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        min_capacity=0,
        max_capacity=size.workers["generate"].tasks[1],
        mixed_instances_policy=autoscaling.MixedInstancesPolicy(
            launch_template=template,
            launch_template_overrides=[
                autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType(name)) for name in INSTANCES
            ],
            instances_distribution=autoscaling.InstancesDistribution(
                on_demand_base_capacity=1,
                on_demand_percentage_above_base_capacity=on_demand,
                on_demand_allocation_strategy=autoscaling.OnDemandAllocationStrategy.PRIORITIZED,
                spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
            ),
        ),
        capacity_rebalance=True,
        new_instances_protected_from_scale_in=True,
        max_instance_lifetime=Duration.days(14),
        health_checks=autoscaling.HealthChecks.ec2(grace_period=Duration.minutes(5)),
        group_metrics=[autoscaling.GroupMetrics.all()],
        notifications=[
            autoscaling.NotificationConfiguration(
                topic=parts.notices.topic,
                scaling_events=autoscaling.ScalingEvents.ERRORS,
            )
        ],
    )
    provider = ecs.AsgCapacityProvider(
        scope,
        "Gpus",
        auto_scaling_group=group,
        enable_managed_scaling=True,
        enable_managed_termination_protection=True,  # An instance with a task on it is not taken away.
        enable_managed_draining=True,
        spot_instance_draining=False,  # The instance requirements above already say it.
        target_capacity_percent=100,
        instance_warmup_period=WARM_UP_SECONDS,
    )
    cluster.add_asg_capacity_provider(provider)
    return provider
