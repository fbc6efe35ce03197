"""`assay`: the one command line of the service, of its operator and of a demo wallet."""

from __future__ import annotations

import sys

import typer

from app.cli.chain import chain
from app.cli.credential import credential, status
from app.cli.demo import demo
from app.cli.doctor import doctor
from app.cli.keys import keys
from app.cli.presentation import presentation
from app.cli.serve import serve
from app.cli.session import describe_error
from app.cli.status_changes import reinstate, revoke, suspend
from app.cli.verification import verification
from app.cli.verify import verify
from app.cli.wallet import wallet

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Check a person, certify what was checked, verify what was certified, revoke it on chain.

Start with [bold]assay serve[/bold]; if something is wrong, [bold]assay doctor[/bold] says what and how to mend it.
Settings are ASSAY_* variables, or a TOML file that ASSAY_CONFIG names; the data directory is ASSAY_DATA_DIR
(assay-data).

Exit codes: 0 done, 1 refused or invalid, 2 wrong usage, 3 not reachable. Every command takes --json.""",
)

_SERVICE = "Service"
_CREDENTIALS = "Credentials"
_OTHERS = "Wallet and verifier"

app.command(rich_help_panel=_SERVICE)(serve)
app.command(rich_help_panel=_SERVICE)(doctor)
app.command(rich_help_panel=_SERVICE)(demo)
app.add_typer(keys, name="keys", rich_help_panel=_SERVICE)
app.add_typer(chain, name="chain", rich_help_panel=_SERVICE)
app.add_typer(verification, name="verification", rich_help_panel=_SERVICE)
app.add_typer(credential, name="credential", rich_help_panel=_CREDENTIALS)
app.command(rich_help_panel=_CREDENTIALS)(status)
app.command(rich_help_panel=_CREDENTIALS)(revoke)
app.command(rich_help_panel=_CREDENTIALS)(suspend)
app.command(rich_help_panel=_CREDENTIALS)(reinstate)
app.command(rich_help_panel=_OTHERS)(verify)
app.add_typer(presentation, name="presentation", rich_help_panel=_OTHERS)
app.add_typer(wallet, name="wallet", rich_help_panel=_OTHERS)


def main() -> None:
    """Run the command line; an expected error is a sentence and an exit code, never a traceback."""
    try:
        app()
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - describe_error raises again what is not expected
        sys.exit(describe_error(error, as_json="--json" in sys.argv))


if __name__ == "__main__":
    main()
