"""Flows written in Python: those that come with callfloor, in this folder, and a site's own in `<site>/flows/`.

A file may hold any number of flows (`@flow("name")`, see `ivr.flow`), and in `TEXTS` what their prompts say: name of a
prompt -> language -> text. Files are loaded by their path, each under a module name of its own, so a reload gets the
new text and running calls keep the old one. A file that cannot be loaded is reported with the line that failed; it
leaves out nothing but itself.
"""

import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from acd.problems import Origin, Problems
from ivr.flow import Flow

BUILT_IN = Path(__file__).parent


class FlowFiles(Struct):
    """What flow files hold."""

    flows: dict[str, Flow] = {}
    texts: dict[str, Mapping[str, str]] = {}
    """Name of a prompt -> language -> text."""


def load_flows(site_folder: Path, problems: Problems) -> FlowFiles:
    """Load all flow files. What a site's own say goes before what the built-in ones say."""
    found = FlowFiles()
    for folder, root in ((BUILT_IN, BUILT_IN), (site_folder / "flows", site_folder)):
        here: dict[str, Flow] = {}
        for file in sorted(folder.glob("[!_]*.py")):
            label = str(file.relative_to(root))
            for name, value in _load_file(file, label, problems).items():
                if name == "TEXTS":
                    found.texts.update(_texts(value, label, problems))
                elif isinstance(value, Flow) and here.setdefault(value.name, value) is not value:
                    problems.warning(Origin(label, 0), f"flow '{value.name}' exists already, and is left out here")
        found.flows.update(here)
    return found


def _load_file(file: Path, label: str, problems: Problems) -> dict[str, Any]:
    """Run a file and give what it defines, or report why that fails."""
    name = f"callfloor_flow_files.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the file is the admin's: whatever it raises, it is reported
        del sys.modules[name]
        problems.warning(_where(error, file, label), f"its flows are left out: {type(error).__name__}: {error}")
        return {}
    return vars(module)


def _texts(value: object, label: str, problems: Problems) -> dict[str, dict[str, str]]:
    try:
        return msgspec.convert(value, dict[str, dict[str, str]])
    except msgspec.ValidationError as error:
        problems.warning(Origin(label, 0), f"TEXTS is not name -> language -> text: {error}")
        return {}


def _where(error: BaseException, file: Path, label: str) -> Origin:
    """Find the line of the file that an error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return Origin(label, error.lineno or 0)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return Origin(label, (lines[-1] or 0) if lines else 0)
