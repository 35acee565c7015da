"""SageMaker: the role that training jobs and endpoints run under, and, where a size asks for it, an endpoint."""

from typing import Any

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from bandmate_aws.foundations.parts import Parts
from bandmate_aws.names import ASYNC_FOLDER, STORE_PREFIX

IMAGE_SUFFIX = "-sagemaker"
"""The model image as SageMaker runs it, as root and with CUDA: another target of the same Dockerfile."""
TRAINING_INSTANCE = "ml.g5.xlarge"
REALTIME_INSTANCE = "ml.c7i.xlarge"
ASYNC_INSTANCE = "ml.g5.xlarge"
ENDPOINT = "bandmate-model"
VARIANT = "all"
MODELS_FOLDER = "sagemaker-models"
"""Below the store, where a generate worker puts a model that the multi-model endpoint is to load."""
START_SECONDS = 600
BACKLOG_PER_INSTANCE = 5
MAX_INSTANCES = 4


class SageMakerStack(Stack):
    """`trainer_settings` and `endpoint_settings` are what the train and generate services need to know of it."""

    def __init__(self, scope: Construct, name: str, *, parts: Parts, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        self._parts = parts
        self.endpoint_name = ENDPOINT
        self.role = self._role()
        image = self._parts.images.repositories["model"].repository_uri_for_tag(f"{parts.tag}{IMAGE_SUFFIX}")
        self.trainer_settings = {
            "BANDMATE_TRAINER": "sagemaker",
            "BANDMATE_SAGEMAKER_ROLE": self.role.role_arn,
            "BANDMATE_SAGEMAKER_IMAGE": image,
            "BANDMATE_SAGEMAKER_INSTANCE_TYPE": TRAINING_INSTANCE,
        }
        kind = parts.size.sagemaker_endpoint
        self.endpoint_settings = {
            "BANDMATE_MODEL_ENDPOINT": "sagemaker-async" if kind == "async" else "sagemaker",
            "BANDMATE_SAGEMAKER_ENDPOINT": ENDPOINT,
        }
        if kind != "none":
            self._endpoint(image, asynchronous=kind == "async")

    def _role(self) -> iam.Role:
        bucket = self._parts.storage.bucket
        role = iam.Role(
            self,
            "ModelRole",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="StoreObjects",
                actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[bucket.arn_for_objects(f"{STORE_PREFIX}/*")],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="StoreKeys",
                actions=["s3:ListBucket", "s3:GetBucketLocation"],
                resources=[bucket.bucket_arn],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Logs",
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                resources=[
                    f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:/aws/sagemaker/{kind}*"
                    for kind in ("TrainingJobs", f"Endpoints/{ENDPOINT}")
                ],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Metrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],  # It has no resources; the namespace is what can be limited.
                conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "/aws/Endpoints"]}},
            )
        )
        self._parts.images.repositories["model"].grant_pull(role)
        return role

    def _endpoint(self, image: str, *, asynchronous: bool) -> None:
        """Real-time: for all models, loaded as requests name them. Asynchronous: for one, and from zero."""
        store = f"s3://{self._parts.storage.bucket.bucket_name}/{STORE_PREFIX}"
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            enable_network_isolation=not asynchronous,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_url=self._archive() if asynchronous else f"{store}/{MODELS_FOLDER}/",
                mode="SingleModel" if asynchronous else "MultiModel",
            ),
        )
        model.node.add_dependency(self.role.node.find_child("DefaultPolicy"))
        output = f"{store}/{ASYNC_FOLDER}"
        config = sagemaker.CfnEndpointConfig(
            self,
            "EndpointConfig",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=ASYNC_INSTANCE if asynchronous else REALTIME_INSTANCE,
                    initial_instance_count=1,
                    initial_variant_weight=1,
                    container_startup_health_check_timeout_in_seconds=START_SECONDS,
                )
            ],
            async_inference_config=sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
                output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                    s3_output_path=f"{output}/out", s3_failure_path=f"{output}/failed"
                ),
                client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=1
                ),
            )
            if asynchronous
            else None,
        )
        endpoint = sagemaker.CfnEndpoint(
            self, "Endpoint", endpoint_name=ENDPOINT, endpoint_config_name=config.attr_endpoint_config_name
        )
        self._scale(endpoint, asynchronous=asynchronous)

    def _archive(self) -> str:
        """An asynchronous endpoint has one model, which is named at deployment."""
        archive = CfnParameter(
            self,
            "ModelArchive",
            type="String",
            allowed_pattern="s3://.+\\.tar\\.gz",
            description="The model of the endpoint, packed as SageMaker wants it",
        )
        archive.override_logical_id("ModelArchive")
        return archive.value_as_string

    def _scale(self, endpoint: sagemaker.CfnEndpoint, *, asynchronous: bool) -> None:
        scalable = autoscaling.CfnScalableTarget(
            self,
            "Instances",
            min_capacity=0 if asynchronous else 1,
            max_capacity=MAX_INSTANCES,
            resource_id=f"endpoint/{ENDPOINT}/variant/{VARIANT}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            service_namespace="sagemaker",
        )
        scalable.node.add_dependency(endpoint)
        policy = autoscaling.CfnScalingPolicy
        name = policy.MetricDimensionProperty(name="EndpointName", value=ENDPOINT)
        tracking = policy.TargetTrackingScalingPolicyConfigurationProperty
        metric = (
            {
                "customized_metric_specification": policy.CustomizedMetricSpecificationProperty(
                    namespace="AWS/SageMaker",
                    metric_name="ApproximateBacklogSizePerInstance",
                    statistic="Average",
                    dimensions=[name],
                )
            }
            if asynchronous
            else {
                "predefined_metric_specification": policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                )
            }
        )
        autoscaling.CfnScalingPolicy(
            self,
            "Tracking",
            policy_name="bandmate-model-instances",
            policy_type="TargetTrackingScaling",
            scaling_target_id=scalable.ref,
            target_tracking_scaling_policy_configuration=tracking(
                target_value=BACKLOG_PER_INSTANCE if asynchronous else 60,
                scale_in_cooldown=300,
                scale_out_cooldown=60,
                **metric,
            ),
        )
        if asynchronous:
            self._from_zero(scalable)

    def _from_zero(self, scalable: autoscaling.CfnScalableTarget) -> None:
        """The backlog per instance is undefined while there is no instance, so this metric is used then."""
        policy = autoscaling.CfnScalingPolicy
        step = policy(
            self,
            "FromZero",
            policy_name="bandmate-model-from-zero",
            policy_type="StepScaling",
            scaling_target_id=scalable.ref,
            step_scaling_policy_configuration=policy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                cooldown=START_SECONDS,
                metric_aggregation_type="Average",
                step_adjustments=[policy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)],
            ),
        )
        cloudwatch.CfnAlarm(
            self,
            "NoInstance",
            alarm_description="Requests wait at the model endpoint and it has no instance",
            namespace="AWS/SageMaker",
            metric_name="HasBacklogWithoutCapacity",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=ENDPOINT)],
            statistic="Average",
            period=60,
            evaluation_periods=2,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[step.ref],
        )
