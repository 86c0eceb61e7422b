"""What the functions are told and what is in their secrets: settings, the App, webhook secrets, signing keys, models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.cloud.installation import AwsRefused
from local.doctor.aws_context import DEPLOY, INIT, cloud_of, json_of
from local.doctor.finding import Context, Finding, NotAsked, fail, ok, warn
from local.doctor.model import LISTS, try_key
from shared.errors import NotConfigured
from shared.llm.prices import UnknownPrice, published
from shared.settings import unknown

KEY_CHARS = 32


def settings(context: Context) -> Iterator[Finding]:
    """What every function reads before it does anything: one wrong word, and none of them starts; one wrong name, and a
    ceiling is none.
    """
    cloud = cloud_of(context)
    cloud.told  # noqa: B018 - without a stack there is nothing to read
    try:
        chosen = cloud.cloud_settings()
    except NotConfigured as error:
        yield fail(f"no function can start: {error}", f"mend it in infra/choices.toml, then {DEPLOY}")
        return
    for name, near in unknown(cloud.told, on_aws=True):
        yield warn(
            f"{name} is no setting, so it does nothing",
            f"{f'write {near}, or ' if near else ''}take it out of settings in infra/choices.toml, then {DEPLOY}",
        )
    yield ok(f"{chosen.github_url}, {chosen.command}, {chosen.model or 'no model'}")


def app_secret(context: Context) -> Finding:
    value = _value(context, "AppSecretArn", "the App's key")
    if isinstance(value, Finding):
        return value
    key = str(value.get("private_key", "")) if isinstance(value, dict) else ""
    if "PRIVATE KEY-----" not in key:
        return fail("the App's secret holds no private key (PEM)", f"{INIT}, or put a key from the App's page there")
    told = cloud_of(context).told.get("PERSEVERE_APP_ID", "0")
    if told in ("", "0"):
        return fail(
            "the functions do not know the App's id",
            f"set app_id = {value.get('id')} in infra/choices.toml, then {DEPLOY}",
        )
    if str(value.get("id")) != told:
        return fail(
            f"the key is of App {value.get('id')}, and the functions work for App {told}",
            f"set app_id = {value.get('id')} in infra/choices.toml, then {DEPLOY}; or {INIT}",
        )
    return ok(f"App {told}")


def webhook_secret(context: Context) -> Finding:
    value = _value(context, "WebhookSecretArn", "the webhook's secret")
    if isinstance(value, Finding):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        return fail(
            "the webhook's secret is no JSON list of texts", f'{INIT} --webhook, or write it as ["..."], newest first'
        )
    return ok(f"{len(value)} secret{'s' if len(value) > 1 else ''}, the first is the one GitHub signs with")


def keys_secret(context: Context) -> Finding:
    value = _value(context, "KeysSecretArn", "the keys for tickets and markers")
    if isinstance(value, Finding):
        return value
    for name in ("ticket", "marker"):
        found = value.get(name) if isinstance(value, dict) else None
        if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
            return fail(
                f"there is no list of {name} keys", f"{INIT} --keys makes what is missing, and keeps what is there"
            )
        if min(len(each) for each in found) < KEY_CHARS:
            return fail(
                f"a {name} key is shorter than {KEY_CHARS} characters",
                "put a longer one first; docs/operations.md, Rotate",
            )
    return ok("tickets and markers")


def model(context: Context) -> Finding:
    told = cloud_of(context).told
    name = told.get("PERSEVERE_MODEL", "")
    if not name:
        return fail(
            "no model is chosen, so nothing is built",
            f'set model = "anthropic:..." in infra/choices.toml, then {DEPLOY}',
        )
    try:
        published().of(name, context.clock.now())
    except UnknownPrice as error:
        if told.get("PERSEVERE_PRICES"):
            return _model_key_there(context, name, "a price of your own")
        return fail(f"{name}: {error}", f"choose one with a known price in infra/choices.toml, then {DEPLOY}")
    return _model_key_there(context, name, "a price")


def _model_key_there(context: Context, name: str, price: str) -> Finding:
    provider = name.partition(":")[0]
    value = _value(context, "ModelSecretArn", "the providers' keys")
    if isinstance(value, Finding):
        return value
    if not isinstance(value, dict):
        return fail("the secret with the providers' keys is no JSON object", f"{INIT} --models")
    if not value.get(provider) and provider != "compatible":
        return fail(f"there is no key for {provider}, whose {name} is to work", f"{INIT} --models")
    return ok(f"{name}, with a key and {price}")


def model_key(context: Context) -> Finding:
    """Whether the provider takes the key in the secret and has the model: its list of models is free to ask."""
    told = cloud_of(context).told
    provider, _, name = told.get("PERSEVERE_MODEL", "").partition(":")
    keys = json_of(context, "ModelSecretArn")
    value = keys.get(provider) if isinstance(keys, dict) else None
    if provider not in LISTS or not value:
        raise NotAsked  # `model` says so
    try:
        base = cloud_of(context).cloud_settings().urls.get(provider)
    except NotConfigured as error:
        raise NotAsked from error
    found = try_key(provider, name, str(value), base)
    return (
        Finding(found.level, found.what, f"{INIT} --models with a key it takes ({found.fix})") if found.fix else found
    )


def _value(context: Context, output: str, what: str) -> Any:
    """A secret's JSON, or the finding that there is none. Raises NotAsked where there is no stack."""
    here = cloud_of(context).installation
    try:
        here.output(output)
    except AwsRefused as error:
        raise NotAsked from error
    try:
        return here.secret(output)
    except AwsRefused as error:
        if error.code == "ResourceNotFoundException":
            return fail(f"{what} was never set", INIT)
        return fail(f"{what} cannot be read: {error}", error.advice)
    except ValueError:
        return fail(f"{what} is no JSON", INIT)
