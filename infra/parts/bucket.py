"""Blobs: large texts, checkpoints, artifacts."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

KEPT_DAYS = 90
MEETINGS = "meetings/"
MEETINGS_KEPT_DAYS = 30


class Bucket(Construct):
    """Private, over TLS only, encrypted by S3. What is in it goes by itself: 90 days, recordings of meetings 30.
    It outlives the stack, but not a first deployment that fails."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(id="all", expiration=Duration.days(KEPT_DAYS)),
                s3.LifecycleRule(id="meetings", prefix=MEETINGS, expiration=Duration.days(MEETINGS_KEPT_DAYS)),
                s3.LifecycleRule(id="half-sent", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self.name = self.bucket.bucket_name
        self.arn = self.bucket.bucket_arn
        self.objects_arn = self.bucket.arn_for_objects("*")
