"""For an operator without docker: the account builds the image itself, while the stack is deployed. Nothing of it idles."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CustomResource, RemovalPolicy, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from infra.parts.grants import SIGN_IN, Grant, role_for, write_logs

HANDLER = Path(__file__).resolve().parent.parent / "image_build" / "handler.py"
DOCKERFILE = HANDLER.parents[2] / "runner_image" / "Dockerfile"
BUILD_MINUTES = 14  # less than the function that waits for it may take
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
    "ecr:BatchGetImage",
)


def base_of(dockerfile: Path) -> str:
    """The image that it is built from unless told otherwise."""
    return next(
        line.removeprefix("ARG BASE=").strip()
        for line in dockerfile.read_text("utf-8").splitlines()
        if line.startswith("ARG BASE=")
    )


BASE = f"public.ecr.aws/docker/library/{base_of(DOCKERFILE)}"
"""The Dockerfile's own base, from where pulls of this cloud are not counted: Docker Hub counts those without an account by
address, and builders share theirs."""
COMMANDS = (
    'aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"',
    f'docker build --build-arg BASE={BASE} --tag "$REPOSITORY:$TAG" .',
    'docker push "$REPOSITORY:$TAG"',
)


class ImageBuild(Construct):
    """A project that builds from the uploaded sources, a registry, and a custom resource that waits for the digest.

    The same sources are built once: the tag is their hash, and a tag that is there already is not built again.
    """

    def __init__(self, scope: Construct, name: str, *, source: s3_assets.Asset, arm: bool, again: str) -> None:
        super().__init__(scope, name)
        self._source = source
        repository = ecr.Repository(
            self,
            "Images",
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=5)],
            removal_policy=RemovalPolicy.DESTROY,
            empty_on_delete=True,
        )
        self.repository_arn = repository.repository_arn
        project = self._project(repository, arm=arm)
        digest = self._wait(project, repository, again)
        self.uri = f"{repository.repository_uri}@{digest}"

    def _project(self, repository: ecr.Repository, *, arm: bool) -> codebuild.CfnProject:
        kind = codebuild.CfnProject
        log = self._logs("BuildLogs")
        # docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html: what a source in S3 takes.
        fetch = Grant(
            ("s3:GetObject", "s3:GetObjectVersion"),
            (self._source.bucket.arn_for_objects(self._source.s3_object_key),),
        )
        look = Grant(("s3:GetBucketAcl", "s3:GetBucketLocation"), (self._source.bucket.bucket_arn,))
        push = Grant(PUSH, (self.repository_arn,))
        role = role_for(
            self, "Build", "codebuild.amazonaws.com", [fetch, look, push, SIGN_IN, write_logs(log.attr_arn)]
        )
        return kind(
            self,
            "Project",
            description="Builds the image of Persevere's tasks, when the stack is deployed.",
            service_role=role.role_arn,
            artifacts=kind.ArtifactsProperty(type="NO_ARTIFACTS"),
            source=kind.SourceProperty(
                type="S3",
                location=f"{self._source.s3_bucket_name}/{self._source.s3_object_key}",
                build_spec=Stack.of(self).to_json_string(
                    {"version": "0.2", "phases": {"build": {"commands": list(COMMANDS)}}}
                ),
            ),
            environment=kind.EnvironmentProperty(
                type="ARM_CONTAINER" if arm else "LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image="aws/codebuild/amazonlinux-aarch64-standard:3.0" if arm else "aws/codebuild/standard:7.0",
                privileged_mode=True,
                environment_variables=[
                    kind.EnvironmentVariableProperty(name="REPOSITORY", value=repository.repository_uri),
                    kind.EnvironmentVariableProperty(name="TAG", value=self._source.asset_hash),
                ],
            ),
            encryption_key="alias/aws/s3",
            timeout_in_minutes=BUILD_MINUTES,
            logs_config=kind.LogsConfigProperty(
                cloud_watch_logs=kind.CloudWatchLogsConfigProperty(status="ENABLED", group_name=log.ref)
            ),
        )

    def _wait(self, project: codebuild.CfnProject, repository: ecr.Repository, again: str) -> str:
        log = self._logs("WaitLogs")
        look = Grant(("ecr:DescribeImages",), (self.repository_arn,))
        run = Grant(("codebuild:StartBuild", "codebuild:BatchGetBuilds"), (project.attr_arn,))
        role = role_for(self, "Wait", "lambda.amazonaws.com", [run, look, write_logs(log.attr_arn)])
        waiter = lambda_.CfnFunction(
            self,
            "Waiter",
            description="Starts the image's build, waits for it, says its digest. Called by CloudFormation alone.",
            runtime="python3.13",
            architectures=["arm64"],
            handler="index.handler",
            code=lambda_.CfnFunction.CodeProperty(zip_file=HANDLER.read_text("utf-8")),
            role=role.role_arn,
            timeout=900,
            memory_size=128,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log.ref),
        )
        waited = CustomResource(
            self,
            "Digest",
            resource_type="Custom::PersevereImage",
            service_token=waiter.attr_arn,
            properties={
                "Project": project.ref,
                "Repository": repository.repository_name,
                "Tag": self._source.asset_hash,
                **({"Again": again} if again else {}),
            },
        )
        waited.node.add_dependency(role)
        return waited.get_att_string("Digest")

    def _logs(self, name: str) -> logs.CfnLogGroup:
        group = logs.CfnLogGroup(self, name, retention_in_days=30)
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group
