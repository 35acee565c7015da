"""The names that the AWS templates are made with: a module that needs no CDK, of a package that does."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

_FILE = Path(__file__).parents[2] / "deploy/aws/bandmate_aws/names.py"


def read_names() -> ModuleType:
    """`bandmate_aws.names`."""
    spec = spec_from_file_location("bandmate_aws_names", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
