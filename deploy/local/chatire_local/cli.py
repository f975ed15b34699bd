"""The command line: what can be asked of the launcher. Each command's work is in a module of its own.

Modules that need an installed package are imported inside the commands, after `install.enter_venv()`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from . import install, suites
from .checkout import DEFAULT_DATA, SERVICES
from .console import Console, complain
from .errors import LauncherError, UsageError
from .options import StackOptions

DESCRIPTION = "Chatire on this machine. Needs Python 3.11 or newer, and nothing else."
HIGHEST_PORT = 65_535
MOST_PROCESSES = 64


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code (0 done, 1 could not, 2 wrong usage)."""
    parser = _parser()
    if arguments[:1] == ["replay"]:
        # Its options are its own, --help among them; the parser above only lists it.
        return reporting_errors(lambda: _replay(arguments[1:]))
    if arguments[:1] == ["verify"]:
        return reporting_errors(lambda: _verify(arguments[1:]))
    if arguments[:1] == ["bench"]:
        return reporting_errors(lambda: _bench(arguments[1:]))
    chosen = parser.parse_args(arguments)
    return reporting_errors(lambda: int(chosen.run(chosen)))


def reporting_errors(run: Callable[[], int]) -> int:
    """Run something; tell the user what stood in the way rather than where in the code it happened."""
    try:
        return run()
    except LauncherError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        complain("stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./chatire", description=DESCRIPTION, allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    _add_up_options(command("up", _up, "start Chatire and keep it running; the first time, install what it needs"))
    _add_data(command("down", _down, "stop the running stack"))
    restart = command("restart", _restart, "restart parts one after the other, each ready again before the next goes")
    restart.add_argument(
        "parts", nargs="+", metavar="PART", help="such as messages-1; or messages: all there are of it"
    )
    other = "run it from another tree of Chatire's sources, until the next restart"
    restart.add_argument("--source", type=Path, metavar="TREE", help=other)
    setting = "a setting on top of the stack's own, until the next restart; may be repeated"
    restart.add_argument("--set", action="append", default=[], metavar="CHATIRE_NAME=VALUE", help=setting)
    _add_data(restart)
    status = command("status", _status, "show every part of the running stack")
    status.add_argument("--json", action="store_true", help="for programs")
    _add_data(status)
    logs = command("logs", _logs, "show what the parts wrote")
    logs.add_argument("part", nargs="?", metavar="PART", help="one part only, such as auth or gateway")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what is written from now on")
    _add_data(logs)
    command("check", _check, "check style, types, import rules and migrations")
    test = command("test", _test, "run the tests: all suites, or those named")
    test.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(suites.names()))
    commands.add_parser("replay", help="replay chat logs on the running stack; ./chatire replay --help")
    commands.add_parser(
        "verify", help="break a stack of its own at random, check every promise; ./chatire verify --help"
    )
    commands.add_parser("bench", help="measure it beside what people would use instead; ./chatire bench --help")
    manage = command("manage", _manage, "run a service's manage.py as the stack would")
    _add_data(manage)
    manage.add_argument("service", choices=SERVICES, metavar="SERVICE", help=", ".join(SERVICES))
    manage.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="for manage.py")
    return parser


def _add_up_options(parser: argparse.ArgumentParser) -> None:
    default = StackOptions()
    parser.add_argument("--port", type=_port, default=default.port, help="where users open it (default %(default)s)")
    _add_data(parser)
    _add_number(parser, "--auths", default.auths, "instances of the auth service")
    _add_number(parser, "--messages", default.messages, "instances of the messages service")
    _add_number(parser, "--workers", default.workers, "processes of each instance of the messages service")
    _add_number(parser, "--relays", default.relays, "processes that publish what is stored")
    _add_number(parser, "--gateways", default.gateways, "processes that hold WebSockets")
    limits = "rate limits and connection caps; never size limits (default %(default)s)"
    parser.add_argument("--limits", choices=("on", "off"), default=default.limits, help=limits)
    parser.add_argument("--detach", action="store_true", help="return when it is up; ./chatire down stops it")


def _add_number(parser: argparse.ArgumentParser, name: str, default: int, text: str) -> None:
    parser.add_argument(name, type=_count, default=default, metavar="N", help=f"{text} (default {default})")


def _add_data(parser: argparse.ArgumentParser) -> None:
    text = "the data folder (default var/ in this checkout)"
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR", help=text)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 1 to {HIGHEST_PORT}")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PROCESSES:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {MOST_PROCESSES}")


def _up(chosen: argparse.Namespace) -> int:
    console = Console()
    if not install.is_installed("local"):
        console.title("The first start installs what Chatire needs, in this folder only. It takes a minute.")
    install.ensure("local", console)
    install.enter_venv()
    from .detach import run_detached
    from .up import Launcher

    options = StackOptions(
        port=chosen.port,
        data=chosen.data.absolute(),
        auths=chosen.auths,
        messages=chosen.messages,
        relays=chosen.relays,
        gateways=chosen.gateways,
        workers=chosen.workers,
        limits=chosen.limits,
    )
    if chosen.detach:
        return run_detached(options, lambda background, let_go: Launcher(options, background, let_go).run())
    return Launcher(options, console).run()


def _down(chosen: argparse.Namespace) -> int:
    from .down import stop_stack

    return stop_stack(chosen.data.absolute(), Console())


def _restart(chosen: argparse.Namespace) -> int:
    install.ensure("local", Console())
    install.enter_venv()
    from .restart import restart_parts

    return restart_parts(chosen.data.absolute(), chosen.parts, chosen.source, chosen.set, Console())


def _status(chosen: argparse.Namespace) -> int:
    from .status import show_status

    return show_status(chosen.data.absolute(), as_json=chosen.json)


def _logs(chosen: argparse.Namespace) -> int:
    from .logs import show_logs

    return show_logs(chosen.data.absolute(), chosen.part, follow=chosen.follow)


def _check(_chosen: argparse.Namespace) -> int:
    install.ensure("dev", Console())
    install.enter_venv()
    from .checks import run_checks

    return run_checks(Console())


def _test(chosen: argparse.Namespace) -> int:
    unknown = [name for name in chosen.suites if name not in suites.names()]
    if unknown:
        raise UsageError(f"there is no suite called {', '.join(unknown)}. Suites: {', '.join(suites.names())}")
    install.ensure("dev", Console())
    install.enter_venv()
    from .tests_runner import run_tests

    return run_tests(chosen.suites, Console())


def _replay(arguments: list[str]) -> int:
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_data(own)
    chosen, rest = own.parse_known_args(arguments)
    install.ensure("local", Console())
    install.enter_venv()
    from .manage import run_replay

    return run_replay(chosen.data.absolute(), rest)


def _verify(arguments: list[str]) -> int:
    install.ensure("local", Console())
    install.enter_venv()
    from .manage import run_verify

    return run_verify(arguments)


def _bench(arguments: list[str]) -> int:
    install.ensure("local", Console())
    install.enter_venv()
    from .manage import run_bench

    return run_bench(arguments)


def _manage(chosen: argparse.Namespace) -> int:
    install.ensure("local", Console())
    install.enter_venv()
    from .manage import run_service_command

    return run_service_command(chosen.data.absolute(), chosen.service, chosen.arguments, Console())
