"""`./chatire check`: all checks that need no running server. Each is a command that exits with 0 when all is well."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .checkout import BENCH, LOCAL, ROOT, SERVICES, TOOLS, VENV, WEB, manage_py
from .console import GREEN, RED, Console
from .data_folder import DataFolder
from .errors import LauncherError
from .keyring import Keyring
from .options import StackOptions
from .parts.services import Addresses, Services
from .parts.web import WebClient, npm_environment
from .stack.errands import Errands
from .testbed import temporary_folder

AT_A_TIME = 2
# Its script in .venv/bin holds the place the checkout had when it was installed; this works in a moved one too.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# A program, not a module; there is no wheel of it for every machine (deploy/requirements/dev.in).
HADOLINT = VENV / "bin" / "hadolint"
COMPOSE = ROOT / "deploy" / "compose"
# Settings must be readable to check types and migrations; nothing is ever connected to.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Check:
    """One step."""

    name: str
    command: tuple[str, ...]
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)


def run_checks(console: Console) -> int:
    """Run all checks; 0 only if each passed."""
    began = time.monotonic()
    with temporary_folder("check") as folder, ThreadPoolExecutor(AT_A_TIME) as pool:
        passed = list(pool.map(lambda check: _passes(check, console), _all_checks(_readable_settings(folder), console)))
    failed = passed.count(False)
    text = f"chatire check: {passed.count(True)} passed, {failed} failed in {time.monotonic() - began:.0f} s"
    console.line(text, style=RED if failed else GREEN)
    return 1 if failed else 0


def _all_checks(settings: Mapping[str, Mapping[str, str]], console: Console) -> list[Check]:
    """Those that take longest come first."""
    return [
        *_web_checks(console),
        *_type_checks(settings),
        Check("format", _module("ruff", "format", "--check", "--output-format=concise", ".")),
        Check("lint", _module("ruff", "check", "--output-format=concise", ".")),
        Check("import rules", (sys.executable, "-c", LINT_IMPORTS)),
        *_migration_checks(settings),
        Check("spelling", _module("codespell_lib")),
        Check("leaks", _module("chatire_local.leaks")),
        *_container_checks(console),
    ]


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def _type_checks(settings: Mapping[str, Mapping[str, str]]) -> list[Check]:
    """As few processes as there can be: each reads Django's own types first, and knows one settings module."""
    sources = {service: ROOT / "services" / service / "src" for service in SERVICES}
    shared, client = ROOT / "shared" / "src", ROOT / "tools" / "client" / "src"
    beside = {
        "messages": (shared, *(ROOT / "tools" / tool / "src" for tool in TOOLS), BENCH),
        "auth": (LOCAL,),
        "gateway": (),
    }
    return [
        Check(
            f"types with {service}",
            _module("mypy", f"--cache-dir={ROOT / '.mypy_cache' / service}", *map(str, (source, *beside[service]))),
            environment={
                **settings[service],
                "DJANGO_SETTINGS_MODULE": f"{service}_service.settings",
                "MYPYPATH": os.pathsep.join(dict.fromkeys(map(str, (source, *beside[service], shared, client, LOCAL)))),
            },
        )
        for service, source in sources.items()
    ]


def _migration_checks(settings: Mapping[str, Mapping[str, str]]) -> list[Check]:
    return [
        Check(
            f"migrations of {service}",
            # Without a database Django warns that it could not compare histories; there is none to compare here.
            (
                sys.executable,
                "-W",
                "ignore::RuntimeWarning",
                str(manage_py(service)),
                "makemigrations",
                "--check",
                "--dry-run",
            ),
            environment=settings[service],
        )
        for service in ("auth", "messages")
        if manage_py(service).exists()
    ]


def _container_checks(console: Console) -> list[Check]:
    """What can be said about the containers where there is no engine to run them."""
    file, rules = str(ROOT / "docker-compose.yml"), str(COMPOSE / "compose-lint.yml")
    strict = ("--fail-on=low", "--strict-config", "--no-env", "--no-merge-overrides", "--quiet")
    checks = [
        Check("compose schema", _module("check_jsonschema", "--builtin-schema", "vendor.compose-spec", file)),
        Check("compose rules", _module("compose_lint", "check", *strict, "--config", rules, file)),
    ]
    if HADOLINT.exists():
        dockerfiles = (
            *ROOT.glob("services/*/Dockerfile"),
            *ROOT.glob("web/Dockerfile"),
            *ROOT.glob("deploy/**/*Dockerfile"),
        )
        checks.append(Check("dockerfiles", (str(HADOLINT), "--no-color", *map(str, sorted(dockerfiles)))))
    else:
        console.line("  dockerfiles              skipped: hadolint has no wheel for this machine")
    return checks


def _web_checks(console: Console) -> list[Check]:
    if not (WEB / "package.json").exists():
        return []
    try:
        WebClient(Errands(), console).ensure_packages()
    except LauncherError as error:
        console.line(str(error))
        return [Check("web packages", ("false",))]
    environment = npm_environment()
    return [
        Check(f"web {script}", ("npm", "run", "--silent", script), WEB, environment) for script in ("types", "lint")
    ]


def _readable_settings(folder: Path) -> dict[str, dict[str, str]]:
    """An environment for each service with fresh keys and addresses that lead nowhere."""
    data = DataFolder(folder)
    data.make()
    keyring = Keyring(data)
    keyring.make_all()
    nowhere = Addresses(
        auth_database_url=f"postgresql://check:check@{NOWHERE}/check",
        messages_database_url=f"postgresql://check:check@{NOWHERE}/check",
        redis_url=f"redis://{NOWHERE}/0",
        auths=(NOWHERE,),
        messages=(NOWHERE,),
        relays=(NOWHERE,),
        gateways=(NOWHERE,),
    )
    services = Services(data, keyring, StackOptions(data=folder), nowhere)
    return {service: services.environment(service) for service in SERVICES}


def _passes(check: Check, console: Console) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=check.folder,
        env=os.environ | dict(check.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "ok" if done.returncode == 0 else "FAILED"
    line = f"  {check.name:<24} {verdict:<7} {time.monotonic() - began:5.1f} s"
    if done.returncode != 0:
        line += "".join(f"\n      {said}" for said in done.stdout.rstrip().splitlines())
    console.line(line, style="" if done.returncode == 0 else RED)
    return done.returncode == 0
