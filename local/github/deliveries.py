"""The deliveries of an App's hook, and the hook's configuration. Asked with the App's JWT."""

from typing import Any

from local.github.call import Call, route
from local.github.refusals import Refusal, not_found, unprocessable
from local.github.state import iso
from local.github.webhooks import Delivery, delivery_shape, redeliver, send


@route("GET", "/app/hook/deliveries")
def list_deliveries(call: Call) -> Any:
    """Newest first; `cursor` goes on from the id that `Link` gave, `status` is success or failure."""
    app = call.app_itself()
    size = call.query.get("per_page", "30")
    size = min(max(int(size), 1), 100) if size.isdigit() else 30
    cursor = call.query.get("cursor")
    if cursor is not None and not cursor.isdigit():
        raise Refusal(400, "Invalid cursor")
    status = call.query.get("status")
    found = []
    for delivery in sorted(call.world.courier.deliveries, key=lambda one: one.id, reverse=True):
        if delivery.app is not app or not delivery.done:
            continue
        if cursor is not None and delivery.id >= int(cursor):
            continue
        if status is not None and (status == "success") != (200 <= delivery.status_code < 400):
            continue
        found.append(delivery)
    if len(found) > size:
        kept = f"&status={status}" if status else ""
        url = f"{call.world.url}{call.request.path}?per_page={size}&cursor={found[size - 1].id}{kept}"
        call.headers["Link"] = f'<{url}>; rel="next"'
    return [delivery_shape(one) for one in found[:size]]


def _delivery(call: Call) -> Delivery:
    app = call.app_itself()
    for delivery in call.world.courier.deliveries:
        if str(delivery.id) == call.args["id"] and delivery.app is app:
            return delivery
    raise not_found()


@route("GET", "/app/hook/deliveries/{id}")
def get_delivery(call: Call) -> Any:
    return delivery_shape(_delivery(call), full=True)


@route("POST", "/app/hook/deliveries/{id}/attempts")
def attempt_again(call: Call) -> Any:
    """The same bytes under the same GUID, once more."""
    delivery = _delivery(call)
    if delivery.created_at < call.world.now() - 3 * 86_400:
        raise unprocessable("Webhook deliveries older than 3 days cannot be redelivered.")
    again = redeliver(call.world, delivery)
    call.note("delivery", again.id, what="redelivered", guid=again.guid)
    return 202, {}


@route("GET", "/app/hook/config")
def get_config(call: Call) -> Any:
    app = call.app_itself()
    return {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.hook_url}


@route("PATCH", "/app/hook/config")
def change_config(call: Call) -> Any:
    """Change the address or rotate the secret."""
    app = call.app_itself()
    app.hook_url = call.text("url", default=app.hook_url)
    app.webhook_secret = call.text("secret", default=app.webhook_secret) or app.webhook_secret
    call.note("hook", app.hook_id, what="changed")
    return get_config(call)


def ping(call: Call, app: Any) -> None:
    """The event that a new hook address gets first."""
    hook = {
        "type": "App",
        "id": app.hook_id,
        "name": "web",
        "active": True,
        "events": app.events,
        "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.hook_url},
        "created_at": iso(app.created_at),
        "updated_at": iso(app.updated_at),
        "app_id": app.id,
        "deliveries_url": f"{call.world.url}/app/hook/deliveries",
    }
    send(call.world, app, "ping", {"zen": "Keep it logically awesome.", "hook_id": app.hook_id, "hook": hook})
