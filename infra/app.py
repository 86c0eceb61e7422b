"""`python -m infra.app`: what `cdk` runs to get the templates (cdk.json).

`-c check=true` holds them against AWS's own rules; `check=bare` does so without our acknowledgements, to see whether each
of them is still needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App, Tags, Validations

from infra.acknowledged import acknowledge
from infra.bundle import CannotBundle, bytecode_note, make_bundles, with_prices
from infra.choices import BadChoice, Choices
from infra.image_context import make_image_context
from infra.parts.functions import Code
from infra.stack import Persevere


def build(app: App) -> Persevere:
    """The stack by the choices in the app's context. Raises BadChoice, CannotBundle."""
    context = {name: value for name, value in app.node.get_all_context().items() if value is not None}
    check = context.pop("check", "false")
    # Functions of another architecture: an emulator runs them on this machine's own processor.
    functions = str(context.pop("functions", "arm64"))
    image_again = str(context.pop("image_again", ""))
    choices = Choices.read(context)
    bundles = make_bundles(functions)
    if choices.prices:
        bundles = {name: with_prices(each, Path(choices.prices)) for name, each in bundles.items()}
    print(f"functions: {bytecode_note(bundles.values())}", file=sys.stderr)  # noqa: T201
    packages = {name: Code(each.path, each.digest) for name, each in bundles.items()}
    stack = Persevere(
        app,
        choices,
        packages=packages,
        functions=functions,
        image_context=make_image_context,
        image_again=image_again,
    )
    Tags.of(stack).add("persevere", choices.stack)
    if check in ("true", "bare"):
        from cdk_nag import AwsSolutionsChecks

        Validations.of(app).add_plugins(AwsSolutionsChecks(app, write_suppressions_to_cloud_formation=True))
    if check != "bare":
        acknowledge(stack)
    return stack


def main() -> int:
    app = App(analytics_reporting=False)
    try:
        build(app)
    except (BadChoice, CannotBundle) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
